/** JSON-RPC batches, which one revision has, on whatever transport. */
import { clientText, type ClientMessage } from '../../domain/protocol/client-message.ts';
import { classify, RPC, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { BATCH_REVISION } from '../../domain/protocol/revisions.ts';
import { parseChecked } from '../calls/ask.ts';

/** The revision that has batches bounds them like the official SDK does. */
const BATCH_MAX = 100;

/** The messages of a batch, each in its own text with the numbers as they were written. */
export function batchOf(text: string, values: readonly unknown[]): readonly ClientMessage[] {
  if (values.length > BATCH_MAX) return []; // as wrong as an empty one, and cheaper to say so
  const exact = parseChecked(text);
  return values.map((value, index) => ({
    message: classify(value),
    text: clientText(JSON.stringify(Array.isArray(exact) ? exact[index] : value), value),
  }));
}

/** Why these messages may not come together; undefined where they may. @param revision of the session, if any */
export function batchProblem(
  revision: string | undefined,
  messages: readonly ClientMessage[],
): RpcError | undefined {
  if (revision !== BATCH_REVISION)
    return invalid(`batches exist only in revision ${BATCH_REVISION}`);
  if (messages.length === 0) return invalid(`a batch has 1 to ${BATCH_MAX} messages`);
  const bad = messages.find(({ message }) => message.kind === 'invalid');
  return bad?.message.kind === 'invalid' ? invalid(bad.message.reason) : undefined;
}

const invalid = (reason: string): RpcError => ({
  code: RPC.invalidRequest,
  message: `Invalid request: ${reason}`,
});
