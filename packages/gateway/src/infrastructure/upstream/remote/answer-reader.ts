/** Reads an HTTP answer as messages, whether they come as one JSON body or as an event stream. */
import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject, type RpcError } from '../../../domain/protocol/json-rpc.ts';
import { parseExactly, plainError } from '../../../application/calls/ask.ts';
import { idAtEnds } from '../answer.ts';
import { BytePieces } from './byte-pieces.ts';
import { EventParser } from './event-parser.ts';
import type { HttpHandler } from './http-exchange.ts';
import { readIncoming, type Incoming } from './incoming.ts';

const REFUSAL_BYTES_MAX = 65_536;

/** An answer whose status is no success. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its body, where that is a JSON-RPC error. */
  readonly error: RpcError | undefined;
  /** The id that the error names. */
  readonly errorId: unknown;
  readonly body: Buffer;
}

/** What an answer turns out to be; the last one told is `accepted`, `refused`, `ended` or `failed`. */
export interface AnswerEvents {
  /** The headers of a success. */
  opened(isStream: boolean, headers: IncomingHttpHeaders): void;
  /** @param type of the event; `message` where it is no event */
  message(message: Incoming, type: string, data: Buffer): void;
  /** A message beyond the limit. @param id the call that it seems to answer */
  overlong(id: number | undefined, fault: Fault): void;
  /** A success without a body. */
  accepted(): void;
  refused(refusal: Refusal): void;
  ended(): void;
  failed(fault: Fault, wasSent: boolean): void;
}

type State = 'waiting' | 'json' | 'stream' | 'empty' | 'refusal';

export class AnswerReader implements HttpHandler {
  readonly #events: AnswerEvents;
  readonly #bytesMax: number;
  #state: State = 'waiting';
  readonly #body = new BytePieces();
  #parser: EventParser | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};

  constructor(events: AnswerEvents, bytesMax: number) {
    this.#events = events;
    this.#bytesMax = bytesMax;
  }

  /** Of the stream, where the answer is one. */
  get lastEventId(): string | undefined {
    return this.#parser?.lastEventId;
  }

  get retryMs(): number | undefined {
    return this.#parser?.retryMs;
  }

  response(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const type = String(headers['content-type'] ?? '').toLowerCase();
    if (status >= 300) this.#state = 'refusal';
    else if (status !== 200) this.#state = 'empty';
    else if (type.startsWith('text/event-stream')) this.#open('stream', headers);
    else if (type.startsWith('application/json')) this.#open('json', headers);
    else this.#state = headers['content-length'] === '0' ? 'empty' : 'refusal';
  }

  data(chunk: Buffer): void {
    switch (this.#state) {
      case 'stream':
        this.#parser?.push(chunk);
        return;
      case 'json':
        this.#body.add(chunk);
        if (this.#body.bytes > this.#bytesMax) this.#tooLarge();
        return;
      case 'refusal': // what is too long to be an error is a page, which nobody needs
        if (this.#body.bytes <= REFUSAL_BYTES_MAX) this.#body.add(chunk);
        return;
      case 'empty':
      case 'waiting':
    }
  }

  end(): void {
    switch (this.#state) {
      case 'stream':
        this.#events.ended();
        return;
      case 'json':
        this.#endJson();
        return;
      case 'refusal':
        this.#refuse();
        return;
      case 'empty':
      case 'waiting':
        this.#events.accepted();
    }
  }

  failed(fault: Fault, wasSent: boolean): void {
    this.#events.failed(fault, wasSent);
  }

  #open(state: 'json' | 'stream', headers: IncomingHttpHeaders): void {
    this.#state = state;
    if (state === 'stream') {
      this.#parser = new EventParser(
        {
          event: (data, type) => {
            for (const message of readIncoming(data)) this.#events.message(message, type, data);
          },
          overlong: (head, tail, bytes) =>
            this.#events.overlong(idAtEnds(head, tail), tooLarge(bytes, this.#bytesMax)),
        },
        this.#bytesMax,
      );
    }
    this.#events.opened(state === 'stream', headers);
  }

  #endJson(): void {
    const body = this.#body.join();
    for (const message of readIncoming(body)) this.#events.message(message, 'message', body);
    this.#events.ended();
  }

  #tooLarge(): void {
    this.#state = 'empty';
    const announced = Number(this.#headers['content-length'] ?? 0);
    const bytes = Math.max(announced, this.#body.bytes);
    this.#body.clear();
    this.#events.overlong(undefined, tooLarge(bytes, this.#bytesMax));
  }

  #refuse(): void {
    if (this.#status === 200) {
      const type = this.#headers['content-type'] ?? 'no content type';
      const reason = `it answered with ${type}, which is neither JSON nor an event stream`;
      const fix = 'is the endpoint right?';
      const fault = new Fault('UPSTREAM_ANSWER_INVALID', `${reason}; ${fix}`, {
        data: { reason, fix },
      });
      this.#events.failed(fault, true);
      return;
    }
    const body = this.#body.join().subarray(0, REFUSAL_BYTES_MAX); // the last chunk may have gone beyond
    const parsed = parsedObject(body);
    const error = parsed?.['error'];
    this.#events.refused({
      status: this.#status,
      headers: this.#headers,
      error: parsed?.['jsonrpc'] === '2.0' && isObject(error) ? rpcError(error) : undefined,
      errorId: parsed?.['id'],
      body,
    });
  }
}

const rpcError = (error: JsonObject): RpcError => ({
  ...plainError(error),
  ...(error['data'] === undefined ? {} : { data: error['data'] }),
});

function parsedObject(body: Buffer): JsonObject | undefined {
  try {
    const parsed = parseExactly(body.toString('utf8'));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined; // a page for people, most often
  }
}

const tooLarge = (bytes: number, bytesMax: number): Fault =>
  new Fault(
    'UPSTREAM_ANSWER_TOO_LARGE',
    `the answer has ${bytes} bytes, more than limits.upstream_message_bytes_max allows (${bytesMax})`,
  );
