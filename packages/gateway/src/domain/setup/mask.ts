/** Lines of files as they may be shown: where a secret stood, three dots stand. */
import { hasUrlPassword, isSecretField, looksSecret } from './secret-signs.ts';

const DOTS = '•••';
const VALUE_LENGTH_MIN = 4;
/** `"key": "value"`, `key = 'value'`, `KEY=value`, `key: value`. */
const FIELD =
  /(["']?)([\w.-]+)\1(\s*[:=]\s*)(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'{[,][^,"'\]}]*))/g;
const WORD = /[^\s"'`,;()[\]{}<>=&?]+/g;

/** @param secrets values that are known to be some */
export function maskLine(line: string, secrets: readonly string[]): string {
  let shown = line;
  for (const secret of secrets)
    if (secret.length >= VALUE_LENGTH_MIN)
      for (const written of new Set([secret, JSON.stringify(secret).slice(1, -1)]))
        shown = shown.replaceAll(written, DOTS);
  shown = shown.replaceAll(FIELD, (whole: string, ...groups: (string | undefined)[]) => {
    const [, key = '', , double, single, plain] = groups;
    const value = double ?? single ?? plain ?? '';
    const isSecret = value !== '' && !isReference(value) && isSecretField(key, value);
    return isSecret ? replaceLast(whole, value) : whole;
  });
  return shown.replaceAll(WORD, (word) =>
    !isReference(word) && (looksSecret(word) || hasUrlPassword(word)) ? DOTS : word,
  );
}

/** What is looked up elsewhere, and what is masked already. */
const isReference = (value: string): boolean => /\$\{|\$[A-Z_]/.test(value) || value.includes(DOTS);

function replaceLast(text: string, value: string): string {
  const at = text.lastIndexOf(value);
  return text.slice(0, at) + DOTS + text.slice(at + value.length);
}
