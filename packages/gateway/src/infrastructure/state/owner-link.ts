/** Connecting to the owner of a state folder. */
import { connect, type Socket } from 'node:net';
import { firstLine } from '../../application/framing/first-line.ts';
import { LineSplitter } from '../../application/framing/line-splitter.ts';
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
  questionLine,
  readSpoken,
  SILENCE_MS_MAX,
  type QueryAnswer,
  type Question,
} from '../../domain/local-socket/query.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

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

/** What a question meets beside its answer. */
export type Unanswered =
  /** Nothing was said for SILENCE_MS_MAX. */
  | 'silent'
  /** The connection ended; also where nobody waits for the answer any more. */
  | 'ended'
  /** What was said cannot be read. */
  | 'unreadable';

export interface AskOptions {
  /** Aborted when nobody waits for the answer any more; the gateway learns of it. */
  readonly signal?: AbortSignal | undefined;
  /** What precedes the answer; nothing more is read until what it answers has resolved. */
  readonly onItem?: ((item: JsonObject) => void | Promise<void>) | undefined;
  /** So many items were left out. */
  readonly onMissed?: ((count: number) => void) | undefined;
}

/** Asks on a socket that was linked for a query, and ends it. Never rejects. */
export function askOwner(
  socket: Socket,
  question: Question,
  options: AskOptions = {},
): Promise<QueryAnswer | Unanswered> {
  return new Promise((resolve) => new Asking(socket, options, resolve).ask(question));
}

type Settle = (outcome: QueryAnswer | Unanswered) => void;

class Asking {
  readonly #socket: Socket;
  readonly #options: AskOptions;
  readonly #resolve: Settle;
  readonly #lines: LineSplitter;
  readonly #giveUp = (): void => this.#settle('ended');
  #silence: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: AskOptions, resolve: Settle) {
    this.#socket = socket;
    this.#options = options;
    this.#resolve = resolve;
    const sink = {
      line: (pieces: readonly Buffer[]) => this.#hear(Buffer.concat(pieces).toString('utf8')),
      overlong: () => this.#settle('unreadable'),
    };
    this.#lines = new LineSplitter(sink, ANSWER_BYTES_MAX);
  }

  ask(question: Question): void {
    const { signal } = this.#options;
    if (signal?.aborted === true) return this.#giveUp();
    signal?.addEventListener('abort', this.#giveUp, { once: true });
    const socket = this.#socket.on('error', this.#giveUp).on('close', this.#giveUp);
    socket.on('end', this.#giveUp).on('data', (chunk: Buffer) => {
      this.#listen();
      this.#lines.push(chunk);
    });
    socket.write(questionLine(question));
    socket.resume();
    this.#listen();
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#settle('silent'), SILENCE_MS_MAX);
  }

  #hear(line: string): void {
    const spoken = readSpoken(line);
    switch (spoken?.kind) {
      case undefined:
        return this.#settle('unreadable');
      case 'working':
        return undefined;
      case 'missed':
        return this.#options.onMissed?.(spoken.count);
      case 'answer':
        return this.#settle(spoken.answer);
      case 'item': {
        const taken = this.#options.onItem?.(spoken.item);
        return taken === undefined ? undefined : void this.#wait(taken);
      }
    }
  }

  /** Whoever takes the items is slower than the gateway: that is not its silence. */
  async #wait(taken: Promise<void>): Promise<void> {
    clearTimeout(this.#silence);
    this.#socket.pause();
    await taken.catch(() => undefined); // told where it is taken
    if (this.#socket.destroyed) return;
    this.#socket.resume();
    this.#listen();
  }

  #settle(outcome: QueryAnswer | Unanswered): void {
    clearTimeout(this.#silence);
    this.#options.signal?.removeEventListener('abort', this.#giveUp);
    this.#socket.off('close', this.#giveUp).off('end', this.#giveUp);
    this.#socket.removeAllListeners('data').destroy();
    this.#resolve(outcome);
  }
}
