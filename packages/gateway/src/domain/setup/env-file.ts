/**
 * Files of variables: `NAME=value`, one a line, `#` comments, an optional `export`. A value stands as it is, in single
 * quotes as it is, or in double quotes with `\n`, `\r`, `\t`, `\"` and `\\`. Nothing in it is replaced.
 */
import { err, ok, type Result } from '@mcp-hangar/kernel/result';

export interface EnvFileProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

const LINE = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*([^\r]*)$/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
};

/** The variables of such a file; the last of a name wins. Refuses lines that are none, and never quotes them. */
export function parseEnvFile(
  text: string,
): Result<Readonly<Record<string, string>>, readonly EnvFileProblem[]> {
  const variables: Record<string, string> = {};
  const problems: EnvFileProblem[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, name, written = ''] = LINE.exec(line) ?? [];
    const value = name === undefined ? undefined : valueOf(written);
    if (name !== undefined && value !== undefined) variables[name] = value;
    else
      problems.push({
        line: index + 1,
        message:
          name === undefined ? 'not NAME=value' : `the value of ${name} has no closing quote`,
      });
  }
  return problems.length > 0 ? err(problems) : ok(variables);
}

/** Undefined where a quote is not closed. */
function valueOf(written: string): string | undefined {
  if (written.startsWith("'")) return /^'([^']*)'\s*(?:#.*)?$/.exec(written)?.[1];
  if (written.startsWith('"'))
    return /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/
      .exec(written)?.[1]
      ?.replaceAll(/\\(.)/g, (pair, letter: string) => ESCAPES[letter] ?? pair);
  return written;
}

/** One line without its end, which `parseEnvFile` reads back as the same value. */
export function envFileLine(name: string, value: string): string {
  if (/^[\w./:@%+=,~-]+$/.test(value)) return `${name}=${value}`;
  if (!/['\r\n]/.test(value)) return `${name}='${value}'`;
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `${name}="${escaped}"`;
}
