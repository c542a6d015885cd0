/** How a value stands in a routing header of the 2026-07-28 revision. */
import { isUtf8 } from 'node:buffer';

/** What stands in a header as it is; spaces and tabs at the ends would be lost. */
const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
const ENCODED = /^=\?base64\?(.*)\?=$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The value itself, or `=?base64?…?=` of its UTF-8 form where it could not be read back otherwise. */
export function encodeHeaderValue(value: string): string {
  if (PLAIN.test(value) && !ENCODED.test(value)) return value;
  return `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}

/** A header value as text: plain, or `=?base64?…?=` of its UTF-8 form. Undefined where it is absent or broken. */
export function decodeHeaderValue(value: string | undefined): string | undefined {
  const encoded = value === undefined ? undefined : ENCODED.exec(value)?.[1];
  if (encoded === undefined) return value;
  if (!BASE64.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
