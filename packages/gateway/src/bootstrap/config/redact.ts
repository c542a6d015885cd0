/** What of a configuration may be shown: everything but secrets that stand in it as they are. */
import { isMap, isNode, isScalar, isSeq, parseDocument, type Scalar } from 'yaml';
import { isSecretName } from '../../domain/secret-signs.ts';
import type { ConfigPath } from './problem.ts';

export const HIDDEN = '[secret]';

/** Values are hidden below these keys, whatever their names: nobody can know what a variable holds. */
const SECRET_MAPS: ReadonlySet<string> = new Set(['env', 'headers']);
const HARMLESS_HEADER = /^(accept.*|content-type|user-agent|cache-control)$/i;
const HARMLESS_VALUE =
  /^(|true|false|yes|no|on|off|\d{1,5}|trace|debug|info|warn(ing)?|error|development|production|test|staging|utf-?8|[a-z]{2}(_[A-Z]{2})?(\.UTF-8)?)$/i;
/** Tokens that say what they are. */
const TOKEN =
  /\b(sk|pk|rk)[-_][\w-]{16,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{10,}|\b(AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[\w-]{30,}|\bnpm_\w{30,}|\bhf_\w{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;
const REFERENCES = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/g;
/** What stands beside a credential and is none. */
const SCHEME = /\b(bearer|basic|token)\b/gi;
const LONG = /^[A-Za-z0-9+/=_.~-]{24,}$/;

/** Whether nothing but references (and the name of a scheme) stands there. */
const isReference = (written: string): boolean =>
  written.includes('${') && written.replaceAll(REFERENCES, '').replaceAll(SCHEME, '').trim() === '';

/**
 * A value as it may be shown.
 *
 * @param written as it stands in the file, before references are resolved
 * @param before the text in front of it in a list: `--token` of `--token abc`
 */
export function shown(path: ConfigPath, written: string, before?: string): string {
  if (isReference(written)) return written;
  const key = String(path.findLast((part) => typeof part === 'string') ?? '');
  const parent = path.at(-2);
  if (typeof parent === 'string' && SECRET_MAPS.has(parent) && typeof path.at(-1) === 'string')
    return isHarmless(key, written) ? written : HIDDEN;
  if (isSecretName(key)) return written === '' ? '' : HIDDEN;
  if (before !== undefined && /^--?[\w-]+$/.test(before) && isSecretName(flagName(before)))
    return HIDDEN;
  return hiddenWithin(written);
}

const isHarmless = (name: string, value: string): boolean =>
  HARMLESS_HEADER.test(name) || (HARMLESS_VALUE.test(value) && !isSecretName(name));

const flagName = (flag: string): string => flag.replace(/^-+/, '');

/** `--token=abc`, `API_KEY=abc`, credentials and queries of URLs, and tokens that say what they are. */
function hiddenWithin(written: string): string {
  return written
    .replace(/^((?:--?)?([\w-]+)=)(?!\$\{)(.+)$/s, (whole: string, start: string, name: string) =>
      isSecretName(name) ? start + HIDDEN : whole,
    )
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi, `$1${HIDDEN}@`)
    .replaceAll(/([?&][\w.~-]+=)(?!\$\{[A-Za-z_]\w*\})[^&#\s"']+/g, `$1${HIDDEN}`)
    .replaceAll(TOKEN, HIDDEN);
}

/** Whether a value that is put into a file looks like a secret that had better stay out of it. */
export function isInlineSecret(name: string, value: string): boolean {
  if (value === '' || isReference(value) || HARMLESS_VALUE.test(value)) return false;
  return isSecretName(name) || LONG.test(value) || hiddenWithin(value) !== value;
}

/**
 * The lines of a YAML text as they may be shown; as many as there are. Comments and texts that are no YAML lose only
 * tokens that say what they are.
 */
export function shownLines(text: string): readonly string[] {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false });
  let done = text;
  for (const { start, end, put } of hiddenScalars(document.contents, text).toReversed())
    done = done.slice(0, start) + put + done.slice(end);
  return done.replaceAll(TOKEN, HIDDEN).split('\n');
}

interface Hidden {
  readonly start: number;
  readonly end: number;
  readonly put: string;
}

function hiddenScalars(root: unknown, text: string): readonly Hidden[] {
  const found: Hidden[] = [];
  const visit = (node: unknown, path: ConfigPath, before?: string): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items)
        visit(value, [...path, isScalar(key) ? String(key.value) : '']);
    } else if (isSeq(node)) {
      let earlier: string | undefined;
      for (const [index, item] of node.items.entries()) {
        visit(item, [...path, index], earlier);
        earlier = isScalar(item) ? String(item.value) : undefined;
      }
    } else if (isScalar(node)) {
      const hidden = hiddenScalar(node, text, { path, before });
      if (hidden !== undefined) found.push(hidden);
    }
  };
  visit(root, []);
  return found.toSorted((left, right) => left.start - right.start);
}

function hiddenScalar(
  node: Scalar,
  text: string,
  { path, before }: { readonly path: ConfigPath; readonly before: string | undefined },
): Hidden | undefined {
  if (node.value === null || !isNode(node) || !node.range) return undefined;
  if (typeof node.value !== 'string' && !SECRET_MAPS.has(String(path.at(-2)))) return undefined;
  const value = typeof node.value === 'string' ? node.value : (node.source ?? '');
  const put = shown(path, value, before);
  if (put === value) return undefined;
  const [start, end] = node.range;
  const source = text.slice(start, end);
  if (source.includes(value) && !value.includes('\n'))
    return { start, end, put: source.replace(value, () => put) };
  // As many lines as before, the first of a block with its indicator.
  const lines = source.split('\n');
  const isBlock = /^[|>]/.test(source);
  const hidden = lines.map((line, index) => {
    if (isBlock && index === 0) return line;
    return line.trim() === '' ? line : (/^\s*/.exec(line)?.[0] ?? '') + HIDDEN;
  });
  return { start, end, put: hidden.join('\n') };
}
