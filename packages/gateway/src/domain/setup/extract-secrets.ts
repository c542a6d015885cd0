/** Takes secrets out of drafts: where one stood, a variable stands then. */
import type { ServerDraft } from './draft.ts';
import {
  hasUrlPassword,
  isSecretField,
  isSecretName,
  looksSecret,
  mayBeSecret,
} from '../secret-signs.ts';
import type { Piece, ValueText } from './value-text.ts';

/** Gives every secret a name; the same secret of the same server gets the same name again. */
export interface SecretNames {
  /** @param wanted upper case, with `_` */
  nameFor(wanted: string, value: string): string;
}

/** The draft without its secrets. @param id of the server; names begin with it */
export function withoutSecrets(id: string, draft: ServerDraft, names: SecretNames): ServerDraft {
  const hide = (key: string, value: string): Piece => ({
    kind: 'secret',
    name: names.nameFor(variableName(id, key), value),
  });
  return {
    ...draft,
    args: draft.args.map((arg, index) => hiddenArg(arg, draft.args[index - 1], hide)),
    env: mapped(draft.env, (name, value) =>
      eachText(value, (text) => (isSecretField(name, text) ? [hide(name, text)] : undefined)),
    ),
    headers: mapped(draft.headers, (name, value) =>
      eachText(value, (text) => hiddenHeader(name, text, hide)),
    ),
    url:
      draft.url === undefined ? undefined : eachText(draft.url, (text) => hiddenInUrl(text, hide)),
  };
}

/**
 * What of a draft is not shown, beside what is known to be a secret: nobody can tell what a variable or a header
 * holds.
 */
export function unshownTexts({ args, env, headers }: ServerDraft): readonly string[] {
  const behindFlags = args.filter((_, index) => optionOf(args[index - 1]) !== undefined);
  const values = [...Object.values(env), ...Object.values(headers), ...behindFlags].flat();
  const fallbacks = args
    .flat()
    .flatMap((piece) => (piece.kind === 'variable' ? [piece.fallback ?? ''] : []));
  const texts = values.flatMap((piece) =>
    piece.kind === 'text' ? [piece.text] : piece.kind === 'variable' ? [piece.fallback ?? ''] : [],
  );
  return [...texts, ...fallbacks].filter(mayBeSecret);
}

type Hide = (key: string, value: string) => Piece;

/** `GITHUB_TOKEN` of the server `github` stays; another server's `TOKEN` gets the server's name before it. */
function variableName(id: string, key: string): string {
  const upper = (text: string): string =>
    text
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '');
  const [server, name] = [upper(id), upper(key)];
  return name === server || name.startsWith(`${server}_`) ? name : `${server}_${name}`;
}

const mapped = (
  values: Readonly<Record<string, ValueText>>,
  change: (name: string, value: ValueText) => ValueText,
): Readonly<Record<string, ValueText>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(name, value)]));

/** Changes what stands there as text; what is looked up stays. */
const eachText = (value: ValueText, change: (text: string) => ValueText | undefined): ValueText =>
  value.flatMap((piece) => (piece.kind === 'text' ? (change(piece.text) ?? [piece]) : [piece]));

const plainText = (text: string): readonly Piece[] => (text === '' ? [] : [{ kind: 'text', text }]);

function hiddenHeader(name: string, text: string, hide: Hide): ValueText | undefined {
  const [, scheme = '', value = text] =
    /^((?:Bearer|Basic|Token|ApiKey)\s+)(.+)$/i.exec(text) ?? [];
  if (value.trim() === '' || /^(?:Bearer|Basic|Token|ApiKey)\s*$/i.test(text)) return undefined;
  if (scheme === '' && !isSecretField(name, text)) return undefined;
  return [...plainText(scheme), hide(/authorization$/i.test(name) ? 'TOKEN' : name, value)];
}

function hiddenArg(arg: ValueText, before: ValueText | undefined, hide: Hide): ValueText {
  const flag = optionOf(before);
  return eachText(arg, (text) => {
    const [, name, separator, value = ''] = /^(-{0,2}[\w.-]+)([=:]\s*)(.+)$/s.exec(text) ?? [];
    if (name !== undefined && separator !== undefined && isSecretField(name, value)) {
      const hidden = hiddenHeader(name, value, hide) ?? [hide(name, value)];
      return [...plainText(name + separator), ...hidden];
    }
    if (/^https?:/.test(text) && !hasUrlPassword(text)) return hiddenInUrl(text, hide);
    if (looksSecret(text) || hasUrlPassword(text)) return [hide(flag ?? 'ARGUMENT', text)];
    if (flag === undefined || text.startsWith('-') || !isSecretName(flag)) return undefined;
    return isSecretField(flag, text) ? [hide(flag, text)] : undefined;
  });
}

/** `--api-key` before its value. */
function optionOf(value: ValueText | undefined): string | undefined {
  const [piece] = value ?? [];
  return piece?.kind === 'text' && value?.length === 1
    ? /^--?([A-Za-z][\w-]*)$/.exec(piece.text)?.[1]
    : undefined;
}

/** Parameters and parts of the path; a user and a password in a URL are refused by our configuration anyway. */
function hiddenInUrl(text: string, hide: Hide): ValueText | undefined {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/[?&]([^=&#]+)=([^&#]+)|\/([^/?#&]{20,})/g)) {
    const [whole, parameter, value, segment] = match;
    const secret = value ?? segment ?? '';
    const isSecret =
      parameter === undefined ? looksSecret(secret) : isSecretField(parameter, secret);
    if (!isSecret) continue;
    const start = match.index + whole.length - secret.length;
    pieces.push(...plainText(text.slice(end, start)), hide(parameter ?? 'URL_KEY', secret));
    end = start + secret.length;
  }
  return end === 0 ? undefined : [...pieces, ...plainText(text.slice(end))];
}
