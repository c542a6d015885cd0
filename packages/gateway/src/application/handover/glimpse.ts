/** What a line of either side is, read just enough to know whom it concerns. */
import { isObject } from '../../domain/protocol/json-rpc.ts';
import { readServerLine, type ServerText } from '../../domain/protocol/server-message.ts';

/** One line without its newline, in the pieces that it came in. */
export interface Line {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
}

export type Glimpse =
  | {
      readonly kind: 'request';
      readonly rawId: string;
      readonly method: string;
      readonly line?: ServerText;
    }
  | { readonly kind: 'notification'; readonly method: string; readonly line?: ServerText }
  | {
      readonly kind: 'answer';
      readonly rawId: string;
      readonly isError: boolean;
      readonly line?: ServerText;
    }
  /** Revision 2025-03-26: several messages in one line. */
  | { readonly kind: 'batch'; readonly messages: readonly Glimpse[] }
  /** No message, or one that says something twice. */
  | { readonly kind: 'unreadable' };

const UNREADABLE: Glimpse = { kind: 'unreadable' };
/** From this size on an answer is recognised by its ends. */
const LARGE_BYTES = 32_768;
const END_BYTES = 512;
const OPEN_ARRAY = 91;
const ID = String.raw`"(?:[^"\\]|\\.){0,256}"|-?\d[\d.eE+-]{0,32}`;
const AT_HEAD = new RegExp(String.raw`^\{"jsonrpc":"2\.0","id":(${ID}),"(result|error)":`);
const AT_TAIL = new RegExp(String.raw`,"jsonrpc":"2\.0","id":(${ID})\}\r?$`);
const RESULT_FIRST = /^\{"(result|error)":/;

/** Reads one line. Ids are given as they were written. Never throws. */
export function glimpse({ pieces, bytes }: Line): Glimpse {
  if (bytes >= LARGE_BYTES) {
    const answer = answerAtEnds(pieces);
    if (answer !== undefined) return answer;
  }
  const text = textOf(pieces);
  return readServerLine(text) ?? parsed(pieces, text);
}

/** One byte a character, as everywhere where bytes pass. */
export const textOf = (pieces: readonly Buffer[]): string =>
  pieces.length === 1 && pieces[0] !== undefined
    ? pieces[0].toString('latin1')
    : Buffer.concat(pieces).toString('latin1');

/** A line of text that holds one byte a character. */
export function lineOf(text: string): Line {
  const piece = Buffer.from(text, 'latin1');
  return { pieces: [piece], bytes: piece.length };
}

function answerAtEnds(pieces: readonly Buffer[]): Glimpse | undefined {
  const first = pieces[0];
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const start = first.toString('latin1', 0, END_BYTES);
  const head = AT_HEAD.exec(start);
  if (head?.[1] !== undefined)
    return { kind: 'answer', rawId: head[1], isError: head[2] === 'error' };
  const opening = RESULT_FIRST.exec(start);
  const tail = AT_TAIL.exec(last.subarray(-END_BYTES).toString('latin1'));
  // A valid line that ends so has its id at the top: one more level would need one more brace.
  return opening === null || tail?.[1] === undefined
    ? undefined
    : { kind: 'answer', rawId: tail[1], isError: opening[1] === 'error' };
}

/** For what places alone cannot tell: a batch, and an object that says something twice. */
function parsed(pieces: readonly Buffer[], text: string): Glimpse {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    return UNREADABLE; // the gateway says so
  }
  if (pieces[0]?.[0] === OPEN_ARRAY || text.trimStart().startsWith('[')) {
    return Array.isArray(value) ? { kind: 'batch', messages: value.map(kindOf) } : UNREADABLE;
  }
  return kindOf(value);
}

function kindOf(value: unknown): Glimpse {
  if (!isObject(value)) return UNREADABLE;
  const { id, method } = value;
  const rawId = typeof id === 'string' || typeof id === 'number' ? latin1Json(id) : undefined;
  if (typeof method === 'string')
    return rawId === undefined
      ? { kind: 'notification', method }
      : { kind: 'request', rawId, method };
  if (rawId === undefined || !('result' in value || 'error' in value)) return UNREADABLE;
  return { kind: 'answer', rawId, isError: 'error' in value };
}

const latin1Json = (id: string | number): string =>
  Buffer.from(JSON.stringify(id)).toString('latin1');
