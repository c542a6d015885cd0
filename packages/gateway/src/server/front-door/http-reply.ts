/**
 * One HTTP response as the answer to one JSON-RPC request: plain JSON, unless something must precede the answer or
 * the answer takes long; then the same response becomes an event stream.
 */
import type { ServerResponse } from 'node:http';
import { latin1, utf8Text } from '../../application/byte-text.ts';
import { overLimit, type ClientReply } from '../../application/calls/reply.ts';
import type { Bytes, RawAnswer } from '../../application/ports.ts';
import { RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { locate, spanText } from '../../domain/protocol/json-spans.ts';
import { EVENT_STREAM_HEADERS, eventOf, KEEP_ALIVE, type EventStream } from './event-stream.ts';
import { giveBack } from './give-back.ts';

/** Errors that the protocol maps to a status are small. */
const ERROR_BYTES_MAX = 65_536;

export interface HttpReplyOptions {
  readonly response: ServerResponse;
  /** The client's id as JSON text. */
  readonly rawId: string;
  readonly bufferBytesMax: number;
  /** A resumable stream, for eras that have them; opened when the first event comes. */
  readonly openStream?: (() => EventStream) | undefined;
  /** Takes a message for a client that is gone and whose stream cannot be resumed. */
  readonly orphan?: ((message: readonly Bytes[]) => void) | undefined;
  /** Maps an error to an HTTP status, in the era that asks for it. Of a server's error only the code is known. */
  readonly statusOf?: ((error: Pick<RpcError, 'code' | 'data'>) => number) | undefined;
  /** Everything that had to be said was said. */
  readonly onDone: () => void;
}

export class HttpReply implements ClientReply {
  readonly #options: HttpReplyOptions;
  readonly #response: ServerResponse;
  readonly #rawId: string;
  #state: 'waiting' | 'streaming' | 'done' = 'waiting';
  #stream: EventStream | undefined;
  onOverflow: (() => void) | undefined;
  #hasSeenTick = false;

  constructor(options: HttpReplyOptions) {
    this.#options = options;
    this.#response = options.response;
    this.#rawId = latin1(options.rawId);
  }

  send(message: readonly Bytes[]): void {
    if (this.#state === 'done') return;
    if (this.#gone && this.#state === 'waiting') {
      this.#options.orphan?.(message);
      return;
    }
    this.#open();
    this.#event(message);
  }

  answer(answer: RawAnswer): void {
    const { before, after } = answer;
    const refusal = overLimit(answer, this.#options.bufferBytesMax);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    if (this.#state !== 'waiting') {
      this.#last([...before, this.#rawId, ...after]);
      return;
    }
    const status =
      answer.isError && this.#options.statusOf !== undefined ? this.#errorStatus(answer) : 200;
    const [head, tail] = [before[0], after[0]];
    if (
      before.length === 1 &&
      after.length === 1 &&
      typeof head === 'string' &&
      typeof tail === 'string'
    ) {
      this.#json(status, head + this.#rawId + tail);
    } else {
      this.#jsonParts(status, [...before, this.#rawId, ...after]);
      this.#response.once('finish', () => giveBack([...before, ...after]));
    }
  }

  result(result: JsonObject): void {
    this.#own(200, `"result":${JSON.stringify(result)}}`);
  }

  body(tail: Buffer): void {
    const parts = [`{"jsonrpc":"2.0","id":${this.#rawId},`, tail];
    if (this.#state === 'waiting') this.#jsonParts(200, parts);
    else this.#last(parts);
  }

  refuse(error: RpcError): void {
    this.#own(this.#options.statusOf?.(error) ?? 200, `"error":${JSON.stringify(error)}}`);
  }

  drop(): void {
    if (this.#state === 'done') return;
    // A cancelled request has no answer: its response ends as a stream without one.
    if (this.#state === 'waiting' && !this.#gone)
      this.#response.writeHead(200, EVENT_STREAM_HEADERS);
    this.#done();
    if (this.#stream !== undefined) this.#stream.end();
    else this.#response.end();
  }

  /** Called now and then while the answer is outstanding, so that nobody on the way takes the line for dead. */
  keepAlive(): void {
    if (this.#state === 'done' || this.#gone) return;
    if (!this.#hasSeenTick) {
      this.#hasSeenTick = true; // it may have come a moment ago
      return;
    }
    this.#open();
    if (this.#stream !== undefined) this.#stream.keepAlive();
    else this.#response.write(KEEP_ALIVE);
  }

  get #gone(): boolean {
    return this.#response.destroyed;
  }

  #own(status: number, tail: string): void {
    const text = `{"jsonrpc":"2.0","id":${this.#rawId},${latin1(tail)}`;
    if (this.#state === 'waiting') this.#json(status, text);
    else this.#last([text]);
  }

  #open(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'streaming';
    this.#stream = this.#options.openStream?.();
    if (this.#stream !== undefined) this.#stream.attach(this.#response);
    else this.#response.writeHead(200, EVENT_STREAM_HEADERS);
  }

  #event(message: readonly Bytes[]): void {
    if (this.#stream !== undefined) {
      if (!this.#stream.write(message)) this.onOverflow?.();
    } else if (this.#response.writableLength > this.#options.bufferBytesMax) {
      this.#response.destroy();
      this.onOverflow?.();
    } else this.#response.write(eventOf(message), 'latin1');
  }

  #last(message: readonly Bytes[]): void {
    if (this.#state === 'done') return;
    this.#event(message);
    this.#done();
    if (this.#stream !== undefined) this.#stream.end();
    else this.#response.end();
  }

  /** One string: header and body leave in one write. */
  #json(status: number, text: string): void {
    this.#done();
    this.#response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': text.length,
    });
    this.#response.end(text, 'latin1');
  }

  #jsonParts(status: number, parts: readonly Bytes[]): void {
    this.#done();
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    const response = this.#response;
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes });
    if (bytes > SENT_AT_ONCE_BYTES_MAX) {
      this.#sendInTurns(slicesOf(parts));
      return;
    }
    response.cork();
    for (const part of parts) if (part.length > 0) response.write(part, 'latin1');
    response.end();
    response.uncork();
  }

  /** A slice a turn of the event loop: the system copies many megabytes at once, while everybody waits. */
  #sendInTurns(slices: Iterator<Bytes>): void {
    const response = this.#response;
    const { value, done } = slices.next();
    if (done === true) {
      response.end();
      return;
    }
    const goOn = (): void => void setImmediate(() => this.#sendInTurns(slices));
    if (response.write(value, 'latin1')) goOn();
    else response.once('drain', goOn); // never comes for a client that has gone, and then nobody waits
  }

  #done(): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#options.onDone();
  }

  #errorStatus(answer: RawAnswer): number {
    if (answer.bytes > ERROR_BYTES_MAX) return 200;
    const text = utf8Text([...answer.before, '0', ...answer.after]);
    const spans = locate(text, { error: { code: 0 } }, 1);
    const code = spans === undefined ? undefined : spanText(text, spans, 0);
    return this.#options.statusOf?.({ code: Number(code ?? RPC.internalError) }) ?? 200;
  }
}

const SENT_AT_ONCE_BYTES_MAX = 2_097_152;
const SLICE_BYTES = 131_072;

function* slicesOf(parts: readonly Bytes[]): Generator<Bytes, void> {
  for (const part of parts) {
    if (typeof part === 'string') {
      yield part;
      continue;
    }
    for (let at = 0; at < part.length; at += SLICE_BYTES) yield part.subarray(at, at + SLICE_BYTES);
  }
}
