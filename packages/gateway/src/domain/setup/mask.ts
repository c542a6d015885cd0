/** Lines of files as they may be shown: where a secret stood, three dots stand. */
import { hasUrlPassword, isSecretField, looksSecret } from '../secret-signs.ts';

const DOTS = '•••';
const VALUE_LENGTH_MIN = 4;
/** `"key": "value"`, `key = 'value'`, `KEY=value`, `key: value`. */
const FIELD =
  /(\\?["']?)([\w.-]+)\1(\s*[:=]\s*)(?:\\"([^"\\]*)\\"|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'\\{[,][^,"'\]}]*))/g;
const WORD = /[^\s"'`,;()[\]{}<>=&?]+/g;

/** @param secrets values that are known to be some */
export function maskLine(line: string, secrets: readonly string[]): string {
  let shown = line;
  for (const secret of secrets)
    if (secret.length >= VALUE_LENGTH_MIN)
      for (const written of new Set([secret, JSON.stringify(secret).slice(1, -1)]))
        shown = shown.replaceAll(written, DOTS);
  return maskFields(shown).replaceAll(WORD, (word) =>
    !isReference(word) && (looksSecret(word) || hasUrlPassword(word)) ? DOTS : word,
  );
}

const maskFields = (text: string): string =>
  text.replaceAll(FIELD, (whole: string, ...groups: (string | undefined)[]) => {
    const [, key = '', , escaped, double, single, plain] = groups;
    const value = escaped ?? double ?? single ?? plain ?? '';
    if (value === '' || isReference(value)) return whole;
    if (isSecretField(key, value)) return replaceLast(whole, DOTS, value);
    // `Server=x;Password=y` is a value that has fields of its own.
    return replaceLast(whole, maskFields(value), value);
  });

/** What is looked up elsewhere, and what is masked already. */
const isReference = (value: string): boolean => /\$\{|\$[A-Z_]/.test(value) || value.includes(DOTS);

function replaceLast(text: string, put: string, value: string): string {
  const at = text.lastIndexOf(value);
  return text.slice(0, at) + put + text.slice(at + value.length);
}
