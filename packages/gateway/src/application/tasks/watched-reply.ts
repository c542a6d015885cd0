/** A reply through which an answer is seen on its way to the client. */
import type { JsonObject, RpcError } from '../../domain/protocol/json-rpc.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { Bytes, RawAnswer } from '../ports.ts';

export interface AnswerWatcher {
  /** Before the client has it. */
  readonly answer: (answer: RawAnswer) => void;
  readonly result?: (result: JsonObject) => void;
}

export class WatchedReply implements ClientReply {
  readonly #reply: ClientReply;
  readonly #watcher: AnswerWatcher;

  constructor(reply: ClientReply, watcher: AnswerWatcher) {
    this.#reply = reply;
    this.#watcher = watcher;
  }

  get onOverflow(): (() => void) | undefined {
    return this.#reply.onOverflow;
  }

  set onOverflow(listener: (() => void) | undefined) {
    this.#reply.onOverflow = listener;
  }

  send(message: readonly Bytes[]): void {
    this.#reply.send(message);
  }

  answer(answer: RawAnswer): void {
    this.#watcher.answer(answer);
    this.#reply.answer(answer);
  }

  result(result: JsonObject): void {
    this.#watcher.result?.(result);
    this.#reply.result(result);
  }

  body(tail: Buffer): void {
    this.#reply.body(tail);
  }

  refuse(error: RpcError): void {
    this.#reply.refuse(error);
  }

  drop(): void {
    this.#reply.drop();
  }
}
