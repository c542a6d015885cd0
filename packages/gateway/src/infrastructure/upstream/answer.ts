/** Finding the id of an answer without reading the answer: it stands at the very start or the very end. */
import { spanEnd, spanStart } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT, type ServerMessage } from '../../domain/protocol/server-message.ts';
import type { RawAnswer } from '../../application/ports.ts';
import type { ScannedAnswer } from './answer-scan.ts';

/** `{"jsonrpc":"2.0","id":7,"result":` as most servers write it; the official SDKs put the id last. */
const AT_HEAD = /^(\{"jsonrpc":"2\.0","id":)(\d{1,15}),"(result|error)":/;
const AT_TAIL = /(,"jsonrpc":"2\.0","id":)(\d{1,15})(\}\r?)$/;
const RESULT_FIRST = /^\{"(result|error)":/;
const END_BYTES = 64;
const CR = 13;
const CLOSE_OBJECT = 125;

/**
 * An answer that a large line surely is, cut at its id; undefined where only a full scan can tell. The id is put behind
 * everything else: what the line says a second time, unread, is then not the one that a client goes by.
 */
export function answerAtEnds(
  pieces: readonly Buffer[],
  bytes: number,
): { readonly id: number; readonly answer: RawAnswer } | undefined {
  const first = pieces[0];
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const start = first.toString('latin1', 0, END_BYTES);
  const head = AT_HEAD.exec(start);
  if (head !== null) {
    const end = last.at(-1) === CR ? last.length - 1 : last.length;
    if (last[end - 1] !== CLOSE_OBJECT) return undefined;
    const whole = [...pieces.slice(0, -1), last.subarray(0, end - 1)];
    const cut = Number(head[1]?.length) + Number(head[2]?.length) + 1;
    const rest = [whole[0]?.subarray(cut) ?? '', ...whole.slice(1)];
    return {
      id: Number(head[2]),
      answer: {
        isError: head[3] === 'error',
        before: ['{', ...rest, ',"jsonrpc":"2.0","id":'],
        after: ['}'],
        bytes,
      },
    };
  }
  const opening = RESULT_FIRST.exec(start);
  if (opening === null || last.length < END_BYTES) return undefined;
  const tail = AT_TAIL.exec(last.subarray(-END_BYTES).toString('latin1'));
  if (tail === null) return undefined;
  const kept = last.length - Number(tail[2]?.length) - Number(tail[3]?.length);
  const before = [...pieces.slice(0, -1), last.subarray(0, kept)];
  return {
    id: Number(tail[2]),
    answer: { isError: opening[1] === 'error', before, after: ['}'], bytes },
  };
}

/** An answer that was scanned, cut at its id. */
export function answerOf(message: Extract<ServerMessage, { kind: 'answer' }>): RawAnswer {
  const { text, spans } = message.line;
  return {
    isError: message.isError,
    before: [text.slice(0, spanStart(spans, SERVER_SLOT.id))],
    after: [text.slice(spanEnd(spans, SERVER_SLOT.id))],
    bytes: text.length,
  };
}

/** A large answer, cut where its id was found. */
export const cutAnswer = (
  buffer: Buffer,
  { idStart, idEnd, isError }: ScannedAnswer,
): RawAnswer => ({
  isError,
  before: [buffer.subarray(0, idStart)],
  after: [buffer.subarray(idEnd)],
  bytes: buffer.length,
});

/** A request of the server's: its id is the server's own and may look like one of ours. */
const ASKS = /^\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?(?:"id"\s*:\s*[^,]{1,64},\s*)?"method"/;

/** The id of ours that a line seems to answer, for lines that are too long or broken to be read. */
export function idAtEnds(head: string, tail: string): number | undefined {
  if (ASKS.test(head)) return undefined;
  const found =
    /^\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15})\b/.exec(head) ??
    /"id":(\d{1,15})\}\r?$/.exec(tail);
  return found === null ? undefined : Number(found[1]);
}
