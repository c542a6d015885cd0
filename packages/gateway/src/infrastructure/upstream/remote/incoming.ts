/** One message of a remote server, from its bytes; what nobody needs of it is not parsed. */
import type { RawAnswer } from '../../../application/ports.ts';
import { parseExactly } from '../../../application/calls/ask.ts';
import { readServerLine, type ServerMessage } from '../../../domain/protocol/server-message.ts';
import { answerAtEnds, answerOf, cutAnswer, idAtEnds } from '../answer.ts';
import { scanAnswer } from '../answer-scan.ts';
import { isAnswer, isJson, numericId } from '../correlation.ts';

/** Answers up to here are parsed, so that no client gets half of one; longer ones are only scanned. */
const PARSED_BYTES_MAX = 65_536;
/** Messages above are no more than looked at from both ends, and only answers pass. */
const WHOLE_SCAN_BYTES_MAX = 8_388_608;
/** Messages of one batch, which revision 2025-03-26 allows. */
const BATCH_MAX = 1_000;
const LF = 10;
const CR = 13;
const SPACE = 32;
const OPEN_ARRAY = 0x5b;
const BOM_BYTES = 3;

export type Incoming =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: RawAnswer }
  | Exclude<ServerMessage, { kind: 'answer' }>
  /** No JSON-RPC; the id that it seems to answer, where it names one. */
  | { readonly kind: 'noise'; readonly id: number | undefined };

/** The messages of one body or event; several only where they came as a batch. */
export function readIncoming(body: Buffer): readonly Incoming[] {
  const bytes = body[0] === 0xef && body[1] === 0xbb ? body.subarray(BOM_BYTES) : body;
  let at = 0;
  while (at < bytes.length && Number(bytes[at]) <= SPACE) at += 1;
  if (bytes[at] === OPEN_ARRAY) return readBatch(bytes);
  return [readOne(onOneLine(bytes))];
}

function readOne(bytes: Buffer): Incoming {
  if (bytes.length > WHOLE_SCAN_BYTES_MAX) {
    const found = answerAtEnds([bytes], bytes.length);
    return found === undefined ? noise(bytes) : { kind: 'answer', ...found };
  }
  if (bytes.length > PARSED_BYTES_MAX) {
    const large = scanAnswer(bytes);
    if (large !== undefined)
      return { kind: 'answer', id: large.id, answer: cutAnswer(bytes, large) };
  }
  const text = bytes.toString('latin1');
  const message = readServerLine(text);
  if (message?.kind === 'answer') {
    if (!isAnswer(text)) return noise(bytes);
    return { kind: 'answer', id: numericId(message.rawId), answer: answerOf(message) };
  }
  return message === undefined || !isJson(text) ? noise(bytes) : message;
}

const noise = (bytes: Buffer): Incoming => ({
  kind: 'noise',
  id: idAtEnds(bytes.toString('latin1', 0, 128), bytes.subarray(-128).toString('latin1')),
});

function readBatch(bytes: Buffer): readonly Incoming[] {
  if (bytes.length > WHOLE_SCAN_BYTES_MAX) return [noise(bytes)];
  try {
    const parsed = parseExactly(bytes.toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length > BATCH_MAX) return [noise(bytes)];
    return parsed.map((message) => readOne(Buffer.from(JSON.stringify(message))));
  } catch {
    return [noise(bytes)]; // no JSON
  }
}

/** Line ends between the tokens of a message would break the framing of whoever gets it next; in strings there are none. */
function onOneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(LF) && !bytes.includes(CR)) return bytes;
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; at += 1) {
    if (copy[at] === LF || copy[at] === CR) copy[at] = SPACE;
  }
  return copy;
}
