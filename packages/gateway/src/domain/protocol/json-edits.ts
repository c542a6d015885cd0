/**
 * Changes to a JSON text that leave every other byte as it came. Like `locate`, nothing here validates: the text was
 * parsed by whoever took it.
 */
import {
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_OBJECT,
  QUOTE,
  keyOf,
  skipSpace,
  skipString,
  skipValue,
} from './json-spans.ts';

/** A member of an object, by offsets: its name, its value, and what follows it. */
export interface Member {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** What takes the place of a stretch of text; without `text` the place is left open for the gateway's id. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text?: string | undefined;
}

/** The members of the object that stands at `start`, in their order; undefined where none stands there. */
export function membersOf(text: string, start: number): readonly Member[] | undefined {
  const open = skipSpace(text, start);
  if (text.charCodeAt(open) !== OPEN_OBJECT) return undefined;
  const members: Member[] = [];
  let at = skipSpace(text, open + 1);
  if (text.charCodeAt(at) === CLOSE_OBJECT) return members;
  for (;;) {
    const keyEnd = text.charCodeAt(at) === QUOTE ? skipString(text, at) : -1;
    const colon = keyEnd === -1 ? -1 : skipSpace(text, keyEnd);
    if (text.charCodeAt(colon) !== COLON) return undefined;
    const valueStart = skipSpace(text, colon + 1);
    const end = skipValue(text, valueStart);
    if (end === -1) return undefined;
    members.push({ key: keyOf(text, at, keyEnd), start: at, valueStart, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === CLOSE_OBJECT) return members;
    if (text.charCodeAt(at) !== COMMA) return undefined;
    at = skipSpace(text, at + 1);
  }
}

/** Takes members out of an object, each with the comma that parts it from one that stays. */
export function without(
  members: readonly Member[],
  isLeftOut: (member: Member) => boolean,
): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  let hasKept = false;
  let previousEnd = 0;
  for (const [index, member] of members.entries()) {
    if (!isLeftOut(member)) hasKept = true;
    else if (hasKept) edits.push({ start: previousEnd, end: member.end, text: '' });
    else
      edits.push({ start: member.start, end: members[index + 1]?.start ?? member.end, text: '' });
    previousEnd = member.end;
  }
  return edits;
}

/**
 * Puts members, `"a":1,"b":2` in one text, first into the object that opens at `open`.
 * @param isAlone none of those that stand there stays
 */
export const withFirst = (open: number, members: string, isAlone: boolean): TextEdit => ({
  start: open + 1,
  end: open + 1,
  text: isAlone || members === '' ? members : `${members},`,
});

/**
 * The text with its edits, in parts between the places left open. Edits may stand in any order, but not overlap; of two
 * at one place the first comes first.
 */
export function cutText(text: string, edits: readonly TextEdit[]): readonly string[] {
  const parts: string[] = [];
  let pending = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    pending += text.slice(at, edit.start);
    at = edit.end;
    if (edit.text === undefined) {
      parts.push(pending);
      pending = '';
    } else pending += edit.text;
  }
  parts.push(pending + text.slice(at));
  return parts;
}
