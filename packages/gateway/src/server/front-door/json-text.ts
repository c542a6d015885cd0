import { isUtf8 } from 'node:buffer';

/** What a client sent, beside the text of it. */
export type Json =
  | { readonly kind: 'text'; readonly text: string; readonly value: unknown }
  | { readonly kind: 'not-json'; readonly reason: string };

/** Parses UTF-8 JSON. @param what the bytes are, for the reason where they are none */
export function parseJson(bytes: Buffer, what: 'body' | 'line'): Json {
  if (!isUtf8(bytes)) return { kind: 'not-json', reason: `the ${what} is not UTF-8` };
  const text = bytes.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    return { kind: 'text', text, value };
  } catch (error) {
    return {
      kind: 'not-json',
      reason: error instanceof Error ? error.message : `the ${what} is not JSON`,
    };
  }
}
