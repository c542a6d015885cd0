/** HTTP without a library in between: every header, byte and disconnection is the test's own. */
import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { until, within } from './until.ts';

export interface SseEvent {
  readonly id: string | undefined;
  readonly retry: string | undefined;
  readonly data: string;
}

/** A JSON-RPC message as tests look at it. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** One request and its answer, which may be a stream that is still open. */
export class Exchange {
  readonly #request: ClientRequest;
  status = 0;
  headers: IncomingHttpHeaders = {};
  /** The body so far. */
  text = '';
  /** The answer has ended, or its connection has. */
  over = false;
  endedAtMs = 0;
  error: Error | undefined;
  readonly ended: Promise<void>;

  constructor(url: string, { method = 'POST', headers = {}, body }: RequestOptions) {
    let finish: () => void = () => undefined;
    this.ended = new Promise((resolve) => {
      finish = resolve;
    });
    const end = (error?: Error): void => {
      this.error ??= error;
      if (!this.over) this.endedAtMs = performance.now();
      this.over = true;
      finish();
    };
    this.#request = httpRequest(url, { method, headers, agent: false }, (response) => {
      this.status = response.statusCode ?? 0;
      this.headers = response.headers;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        this.text += chunk;
      });
      response.on('error', end);
      response.on('close', () => end());
    });
    this.#request.on('error', end);
    this.#request.end(body);
  }

  get isStream(): boolean {
    return this.headers['content-type'] === 'text/event-stream';
  }

  /** The events that are complete. */
  events(): readonly SseEvent[] {
    if (!this.isStream) return [];
    return this.#blocks().flatMap((block) => {
      const fields = block.split('\n').filter((line) => !line.startsWith(':'));
      if (fields.length === 0) return [];
      const field = (name: string): string | undefined =>
        fields
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .replace(/^ /, '');
      return [{ id: field('id'), retry: field('retry'), data: field('data') ?? '' }];
    });
  }

  comments(): readonly string[] {
    return this.#blocks().filter((block) => block.startsWith(':'));
  }

  /** Every JSON-RPC message so far. */
  messages(): readonly Message[] {
    const texts = this.isStream
      ? this.events()
          .map(({ data }) => data)
          .filter((data) => data !== '')
      : this.over && this.text !== ''
        ? [this.text]
        : [];
    return texts.map((text) => JSON.parse(text) as Message);
  }

  /** Waits for the end of the answer and answers its last message. */
  async answer(): Promise<Message> {
    await within('the answer ends', this.ended);
    const last = this.messages().at(-1);
    if (last === undefined) throw new Error(`No message (${this.status}, ${this.error?.message})`);
    return last;
  }

  /** Waits for a message that `matches`. */
  next(what: string, matches: (message: Message) => boolean, limitMs?: number): Promise<Message> {
    return until(what, () => this.messages().find(matches), limitMs);
  }

  notified(method: string, limitMs?: number): Promise<Message> {
    return this.next(method, (message) => message.method === method, limitMs);
  }

  async opened(): Promise<this> {
    await until('the response begins', () => this.status > 0 || this.error !== undefined);
    return this;
  }

  /** Ends the connection, as a client that goes away. */
  close(): void {
    this.#request.destroy();
  }

  #blocks(): readonly string[] {
    return this.text.split('\n\n').slice(0, -1);
  }
}

export const send = (url: string, options: RequestOptions = {}): Exchange =>
  new Exchange(url, options);

/** The answer to a request that ends. */
export async function fetchText(
  url: string,
  options: RequestOptions = {},
): Promise<{
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}> {
  const exchange = send(url, options);
  await within('the answer ends', exchange.ended);
  if (exchange.error !== undefined && exchange.status === 0) throw exchange.error;
  const { status, text, headers } = exchange;
  return { status, text, headers };
}

export const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
} as const;
