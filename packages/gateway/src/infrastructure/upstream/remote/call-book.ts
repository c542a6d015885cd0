/** The calls that wait on one remote connection, and whom each message of the server is for. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import type { ConnectionObserver, RawAnswer, UpstreamCall } from '../../../application/ports.ts';
import type { ServerMessage } from '../../../domain/protocol/server-message.ts';
import { correlationOf, isCorrelated } from '../correlation.ts';
import type { Incoming } from './incoming.ts';
import type { RemoteCall } from './remote-call.ts';

/** Calls of one connection; each holds a socket, or waits for one. */
const CALLS_MAX = 2_048;

export class CallBook {
  readonly #calls = new SlotMap<RemoteCall>();
  /** Answered calls whose work goes on. */
  readonly #tasks = new Map<number, (message: ServerMessage) => void>();
  readonly #observer: ConnectionObserver;
  readonly #onAnswer: (call: RemoteCall, answer: RawAnswer) => void;

  /** @param onAnswer gets the answer of a call, which is not in the book any more */
  constructor(
    observer: ConnectionObserver,
    onAnswer: (call: RemoteCall, answer: RawAnswer) => void,
  ) {
    this.#observer = observer;
    this.#onAnswer = onAnswer;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Whether a call waits whose request the server may have. */
  get awaitsAnswer(): boolean {
    return this.#calls.some((call) => call.isSent);
  }

  /** Of the next call that is added. @throws Fault UPSTREAM_QUEUE_FULL */
  nextId(): number {
    if (this.#calls.size >= CALLS_MAX) {
      const detail = `${CALLS_MAX} calls already wait for the server`;
      throw new Fault('UPSTREAM_QUEUE_FULL', detail);
    }
    return this.#calls.nextKey;
  }

  add(call: RemoteCall): void {
    this.#calls.insert(call);
  }

  hearProgress(id: number, listener: ((message: ServerMessage) => void) | undefined): void {
    if (listener === undefined) this.#tasks.delete(id);
    else this.#tasks.set(id, listener);
  }

  /** Takes a call out: whoever does so tells it how it ended. */
  take(id: number): RemoteCall | undefined {
    return this.#calls.remove(id);
  }

  lose(id: number, fault: Fault): void {
    const call = this.take(id);
    if (call === undefined) return;
    call.over();
    call.call.lost(fault, !call.mayHaveArrived);
  }

  loseAll(fault: Fault): void {
    for (const { id } of this.#calls) this.lose(id, fault);
  }

  /** @param on the call on whose answer the message came */
  receive(message: Incoming, on: UpstreamCall | undefined): void {
    switch (message.kind) {
      case 'answer': {
        const call = this.take(message.id);
        if (call === undefined) return;
        call.over();
        this.#onAnswer(call, message.answer);
        return;
      }
      case 'noise':
        if (message.id !== undefined) this.lose(message.id, invalid());
        return;
      case 'request':
        this.#observer.request(message, on);
        return;
      case 'notification': {
        if (!isCorrelated(message)) {
          this.#observer.notification(message, on);
          return;
        }
        const id = correlationOf(message);
        const call = this.#calls.get(id);
        if (call === undefined) this.#tasks.get(id)?.(message);
        else call.notified(message);
      }
    }
  }
}

const invalid = (): Fault =>
  new Fault('UPSTREAM_ANSWER_INVALID', 'the server answered with what is no JSON-RPC message');
