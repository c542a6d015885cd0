/** How calls end: for the record, and for what is thought of the health of a server. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Bytes, RawAnswer } from '../ports.ts';
import type { CallOutcome } from '../servers/lifecycle-keeper.ts';

/** How a call ended. */
export interface CallEnding {
  readonly outcome: CallOutcome;
  /** A code of the catalogue, `tool error`, `rpc error` or `cancelled`; undefined where all went well. */
  readonly error: string | undefined;
  /** What the client was told where the gateway ended the call. */
  readonly detail?: string | undefined;
  /** Of the answer. */
  readonly bytes: number;
  /** From the hand-over to the server; 0 where it never came to that. Milliseconds. */
  readonly durationMs: number;
}

/** The same before its time is known. */
export type Ending = Omit<CallEnding, 'durationMs'>;

/** Of a call that the gateway ends. */
export function endingOf(error: unknown): Ending {
  const code = error instanceof Fault ? error.code : 'GATEWAY_DEFECT';
  const detail = error instanceof Error ? error.message : undefined;
  return { outcome: outcomeOf(error, code), error: code, detail, bytes: 0 };
}

/**
 * @param isCallers its caller waits less long than the server may take: that says nothing about the server, and no client
 * makes others wait by waiting too short
 */
export const timedOut = (detail: string, isCallers: boolean): Fault =>
  new Fault('CALL_TIMED_OUT', detail, isCallers ? { data: { limit: CALLERS_LIMIT } } : {});
const CALLERS_LIMIT = 'timeout';

function outcomeOf(error: unknown, code: string): CallOutcome {
  if (code === 'UPSTREAM_ENDED') return 'ended';
  const { upstreamCode, status, limit } = (error instanceof Fault && error.data) || {};
  if (code === 'CALL_TIMED_OUT' && limit === CALLERS_LIMIT) return 'given-up';
  // It answered, with an error that is told in other words.
  if (upstreamCode !== undefined || ABOUT_THE_REQUEST.has(status)) return 'answered-error';
  return NOT_THE_SERVERS.has(code) ? 'given-up' : 'failed';
}

/** HTTP statuses by which a remote server refuses one request, whatever becomes of others. */
const ABOUT_THE_REQUEST: ReadonlySet<unknown> = new Set([
  402, 403, 409, 413, 414, 415, 422, 431, 451,
]);

/** Failures that say nothing about the health of the server. */
const NOT_THE_SERVERS: ReadonlySet<string> = new Set([
  'CLIENT_TOO_SLOW',
  'CONCURRENCY_LIMITED',
  'GATEWAY_DEFECT',
  'GATEWAY_BUSY',
  'GATEWAY_STOPPING',
  'INPUT_NOT_SUPPORTED',
  'INPUT_REFUSED',
  'INPUT_ROUNDS_EXCEEDED',
  'INPUT_TIMED_OUT',
  'RATE_LIMITED',
  'UPSTREAM_ANSWER_TOO_LARGE',
  // One client alone can fill the queue. A server that does not read is found out by calls that time out, and by checks.
  'UPSTREAM_QUEUE_FULL',
  'UPSTREAM_RATE_LIMITED',
]);

/** In a longer answer only the ends are looked at, where every server writes the member. */
const SEARCHED_BYTES_MAX = 65_536;
const END_BYTES = 128;

/** The kind of error that an answer is. Tools report theirs inside a result. */
export function errorIn({ isError, before, after }: RawAnswer, method: string): string | undefined {
  if (isError) return 'rpc error';
  if (method !== 'tools/call') return undefined;
  return before.some(saysError) || after.some(saysError) ? 'tool error' : undefined;
}

function saysError(part: Bytes): boolean {
  const isShort = part.length <= SEARCHED_BYTES_MAX;
  const text = isShort
    ? part.toString('latin1')
    : part.slice(0, END_BYTES).toString('latin1') + part.slice(-END_BYTES).toString('latin1');
  return text.includes('"isError"') && /"isError"\s*:\s*true/.test(text);
}
