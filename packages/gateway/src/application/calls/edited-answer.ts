import { cutText, type TextEdit } from '../../domain/protocol/json-edits.ts';
import type { RawAnswer } from '../ports.ts';

/**
 * A server's answer with changes in its text (one byte a character), cut at its id again; undefined where `editsOf`
 * knows none.
 */
export function editedAnswer(
  { isError, before, after }: RawAnswer,
  editsOf: (text: string) => readonly TextEdit[] | undefined,
): RawAnswer | undefined {
  const textOf = (parts: RawAnswer['before']): string =>
    parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))).join('');
  const head = textOf(before);
  const text = `${head}0${textOf(after)}`;
  const edits = editsOf(text);
  if (edits === undefined) return undefined;
  const id = { start: head.length, end: head.length + 1 };
  const [first = '', last = ''] = cutText(text, [id, ...edits]);
  return { isError, before: [first], after: [last], bytes: first.length + last.length };
}
