/** How a value stands in a routing header of the 2026-07-28 revision. */

/** What stands in a header as it is; spaces and tabs at the ends would be lost. */
const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
const LOOKS_ENCODED = /^=\?base64\?.*\?=$/;

/** The value itself, or `=?base64?…?=` of its UTF-8 form where it could not be read back otherwise. */
export function encodeHeaderValue(value: string): string {
  if (PLAIN.test(value) && !LOOKS_ENCODED.test(value)) return value;
  return `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
