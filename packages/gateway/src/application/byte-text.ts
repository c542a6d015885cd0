/** Texts of one byte a character (latin1), as messages are passed on, and the texts that they stand for. */
import type { Bytes } from './ports.ts';

/** UTF-16 text as one byte a character. */
export const latin1 = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- the range is the whole point: pure ASCII is its own byte form
  /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');

/** The text that one of one byte a character stands for. */
export const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** The text that the parts of a message stand for; a character may lie across two of them. */
export const utf8Text = (parts: readonly Bytes[]): string =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  ).toString('utf8');
