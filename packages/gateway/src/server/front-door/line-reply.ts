/** The answer to one request of a client on a pipe, and what precedes it: lines under the client's own id. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { latin1 } from '../../application/byte-text.ts';
import {
  overLimit,
  rpcErrorOf,
  type ClientReply,
  type Pending,
} from '../../application/calls/reply.ts';
import type { Bytes, RawAnswer } from '../../application/ports.ts';
import type { JsonObject, RpcError } from '../../domain/protocol/json-rpc.ts';
import type { LineOutput } from './line-output.ts';

export interface LineReplyOptions {
  readonly output: LineOutput;
  /** The client's id as JSON text. */
  readonly rawId: string;
  readonly bufferBytesMax: number;
  /** Everything that had to be said was said. */
  readonly onDone: () => void;
}

export class LineReply implements ClientReply {
  readonly #options: LineReplyOptions;
  readonly #output: LineOutput;
  #isDone = false;
  /** The work behind a request of the modern era. */
  pending: Pending | undefined;
  /** Never called: a client that does not read loses its pipe, and with it all of its requests. */
  onOverflow: (() => void) | undefined;

  constructor(options: LineReplyOptions) {
    this.#options = options;
    this.#output = options.output;
  }

  get rawId(): string {
    return this.#options.rawId;
  }

  send(message: readonly Bytes[]): void {
    if (!this.#isDone) this.#output.writeParts(message);
  }

  answer(answer: RawAnswer): void {
    if (this.#isDone) return;
    const { before, after } = answer;
    const refusal = this.#refusalOf(answer);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    const [head, tail] = [before[0], after[0]];
    if (
      before.length === 1 &&
      after.length === 1 &&
      typeof head === 'string' &&
      typeof tail === 'string'
    ) {
      this.#output.write(head + latin1(this.rawId) + tail);
    } else {
      this.#output.writeParts([...before, latin1(this.rawId), ...after], true);
    }
    this.#done();
  }

  result(result: JsonObject): void {
    this.#own(`"result":${JSON.stringify(result)}}`);
  }

  body(tail: Buffer): void {
    if (this.#isDone) return;
    this.#output.writeParts([`{"jsonrpc":"2.0","id":${latin1(this.rawId)},`, tail]);
    this.#done();
  }

  refuse(error: RpcError): void {
    this.#own(`"error":${JSON.stringify(error)}}`);
  }

  drop(): void {
    if (!this.#isDone) this.#done();
  }

  /** An answer that does not fit beside what waits costs its own call; only then it costs the client its pipe. */
  #refusalOf(answer: RawAnswer): RpcError | undefined {
    const { bufferBytesMax } = this.#options;
    const tooLarge = overLimit(answer, bufferBytesMax);
    const { waitingBytes } = this.#output;
    if (tooLarge !== undefined || waitingBytes + answer.bytes <= bufferBytesMax) return tooLarge;
    const detail = `${waitingBytes} bytes wait for the client; ${answer.bytes} more are over limits.client_buffer_bytes_max`;
    return rpcErrorOf(new Fault('CLIENT_TOO_SLOW', detail));
  }

  #own(tail: string): void {
    if (this.#isDone) return;
    this.#output.write(latin1(`{"jsonrpc":"2.0","id":${this.rawId},${tail}`));
    this.#done();
  }

  #done(): void {
    this.#isDone = true;
    this.#options.onDone();
  }
}
