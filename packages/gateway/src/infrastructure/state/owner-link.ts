/** Connecting to the owner of a state folder. */
import { connect, type Socket } from 'node:net';
import { firstLine } from '../../application/framing/first-line.ts';
import {
  GREETING_BYTES_MAX,
  helloLine,
  readWelcome,
  type OwnerFacts,
  type Refusal,
  type Want,
} from '../../domain/local-socket/greeting.ts';
import {
  ANSWER_BYTES_MAX,
  QUERY_MS_MAX,
  questionLine,
  readAnswer,
  type QueryAnswer,
  type Question,
} from '../../domain/local-socket/query.ts';

/** An owner that does not answer within this is busy or stopped; it is asked again. */
const WELCOME_MS_MAX = 2_000;

export type OwnerAnswer =
  /** The socket is paused; it carries what was asked for. */
  | { readonly kind: 'linked'; readonly socket: Socket; readonly facts: OwnerFacts }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  /** Somebody listens and says nothing. */
  | { readonly kind: 'silent' }
  /** Nobody listens, or hangs up. */
  | { readonly kind: 'absent' };

/** Greets the owner at a path and answers what it said. Never rejects. */
export async function callOwner(path: string, want: Want, digest: string): Promise<OwnerAnswer> {
  const socket = connect({ path, allowHalfOpen: true });
  const said = firstLine(socket, { bytesMax: GREETING_BYTES_MAX, msMax: WELCOME_MS_MAX });
  socket.write(helloLine(want, digest));
  const first = await said;
  const welcome = first.kind === 'line' ? readWelcome(first.text) : undefined;
  if (welcome?.isWelcome === true) return { kind: 'linked', socket, facts: welcome };
  socket.on('error', () => undefined).destroy();
  if (welcome !== undefined) return { kind: 'refused', reason: welcome.reason };
  return { kind: first.kind === 'late' ? 'silent' : 'absent' };
}

/**
 * Asks on a socket that was linked for a query, and ends it. Undefined where no whole answer comes in time. Never
 * rejects.
 */
export async function askOwner(
  socket: Socket,
  question: Question,
): Promise<QueryAnswer | undefined> {
  const said = firstLine(socket, { bytesMax: ANSWER_BYTES_MAX, msMax: QUERY_MS_MAX });
  socket.write(questionLine(question));
  const first = await said;
  socket.on('error', () => undefined).destroy();
  return first.kind === 'line' ? readAnswer(first.text) : undefined;
}
