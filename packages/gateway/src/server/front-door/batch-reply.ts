/** Answers to the requests of one batch (revision 2025-03-26): each is an event of one stream. */
import { latin1 } from '../../application/byte-text.ts';
import type { ClientReply } from '../../application/calls/reply.ts';
import type { Bytes } from '../../application/ports.ts';
import type { HttpReply } from './http-reply.ts';

export class BatchReply {
  readonly #stream: HttpReply;
  #outstanding: number;

  constructor(stream: HttpReply, requests: number) {
    this.#stream = stream;
    this.#outstanding = requests;
  }

  /** The reply of one request of the batch. */
  part(rawId: string): ClientReply {
    const id = latin1(rawId);
    const last = (message: readonly Bytes[] | undefined): void => {
      if (message !== undefined) this.#stream.send(message);
      this.#outstanding -= 1;
      if (this.#outstanding === 0) this.#stream.drop();
    };
    const own = (tail: string): void => last([`{"jsonrpc":"2.0","id":${id},${latin1(tail)}`]);
    return {
      send: (message) => this.#stream.send(message),
      answer: ({ before, after }) => last([...before, id, ...after]),
      result: (result) => own(`"result":${JSON.stringify(result)}}`),
      body: (tail) => last([`{"jsonrpc":"2.0","id":${id},`, tail]),
      refuse: (error) => own(`"error":${JSON.stringify(error)}}`),
      drop: () => last(undefined),
    };
  }
}
