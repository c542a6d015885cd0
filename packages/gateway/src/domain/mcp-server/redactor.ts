/** Takes secrets out of what a server wrote, before it is logged or shown as a reason. */
import type { Secret } from '@mcp-hangar/kernel/secret';

/** A shorter value ("1", "yes") would blot out half of every log line and is no secret. */
const SECRET_CHARS_MIN = 4;

/** A text without what `secretTexts` found. */
export const redact = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((result, secret) => result.replaceAll(secret, '[secret]'), text);

/** Takes secrets out of texts that a server wrote. */
export function redactor(secrets: Iterable<Secret>): (text: string) => string {
  const texts = secretTexts(secrets);
  return (text) => redact(text, texts);
}

/** The texts to look for, longest first; a value of several lines (a PEM key) is looked for by line. */
export const secretTexts = (secrets: Iterable<Secret>): readonly string[] => {
  const texts = new Set<string>();
  for (const secret of secrets) {
    for (const line of secret.reveal().split(/\r?\n/)) {
      if (line.length >= SECRET_CHARS_MIN) texts.add(line);
    }
  }
  return [...texts].toSorted((a, b) => b.length - a.length);
};
