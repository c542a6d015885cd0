/** What our own files begin with, and the one line of a configuration that names the file of its secrets. */
import { envFileLine } from './env-file.ts';

export const SECRETS_FILE = 'secrets.env';
const SECRETS_HEAD = `# Secrets of the configuration beside this file, which refers to them as \${NAME}.
# Only you may read this file (mode 600). A variable of the environment wins over it.
`;

/**
 * The file of secrets with more at its end.
 * @param missing variables that have no value yet; they stand as comments to be filled in
 */
export function withSecrets(
  text: string | undefined,
  secrets: ReadonlyMap<string, string>,
  missing: readonly string[],
): string {
  const before = text === undefined ? SECRETS_HEAD : text;
  const lines = [
    ...[...secrets].map(([name, value]) => envFileLine(name, value)),
    ...missing.filter((name) => !before.includes(`# ${name}=`)).map((name) => `# ${name}=`),
  ];
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  return before + gap + lines.map((line) => `${line}\n`).join('');
}

/** The configuration with `env_file` before its first key. */
export function withEnvFile(text: string, name: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const json = /^\s*\{/.exec(text)?.[0];
  if (json !== undefined)
    return `${json}${eol}  "env_file": ${JSON.stringify(name)},${text.slice(json.length)}`;
  const at = /^[A-Za-z$"'_]/m.exec(text)?.index ?? text.length;
  return `${text.slice(0, at)}env_file: ${name}${eol}${eol}${text.slice(at)}`;
}
