/** HTTP by hand over one socket a request: nothing between the test and the bytes. */
import { connect, type Socket } from 'node:net';

export interface HttpExchange {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Every JSON text as it arrives: the events of a stream, or the one body. */
  readonly onText?: (text: string) => void;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RunningExchange {
  /** Settles when the server has closed the response. */
  readonly done: Promise<HttpAnswer>;
  /** The client goes away. */
  drop(): void;
}

export function exchange(port: number, options: HttpExchange): RunningExchange {
  const socket = connect({ host: '127.0.0.1', port });
  const reader = new ResponseReader(options.onText ?? (() => undefined));
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => reader.push(chunk));
  const done = new Promise<HttpAnswer>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => resolve(reader.end()));
  });
  socket.write(requestText(port, options));
  return { done, drop: () => drop(socket) };
}

const drop = (socket: Socket): void => {
  socket.resetAndDestroy();
};

function requestText(port: number, { method, path, headers, body = '' }: HttpExchange): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: close',
    'Accept: application/json, text/event-stream',
    ...(method === 'POST'
      ? ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
      : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

class ResponseReader {
  readonly #onText: (text: string) => void;
  #raw = '';
  #head: string | undefined;
  #text = '';

  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  push(chunk: string): void {
    this.#raw += chunk;
    if (this.#head === undefined) {
      const end = this.#raw.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.#head = this.#raw.slice(0, end);
      this.#raw = this.#raw.slice(end + 4);
    }
    this.#text += this.#isChunked ? this.#chunks() : this.#raw;
    if (!this.#isChunked) this.#raw = '';
    if (this.#isStream) this.#events();
  }

  end(): HttpAnswer {
    const head = this.#head ?? '';
    const headers = head.split('\r\n').slice(1);
    if (!this.#isStream && this.#text !== '') this.#onText(this.#text);
    return {
      status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
      headers: Object.fromEntries(
        headers.map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      ),
    };
  }

  get #isChunked(): boolean {
    return /\r\ntransfer-encoding: chunked/i.test(this.#head ?? '');
  }

  get #isStream(): boolean {
    return /\r\ncontent-type: text\/event-stream/i.test(this.#head ?? '');
  }

  /** The chunks that are complete. */
  #chunks(): string {
    let text = '';
    for (;;) {
      const end = this.#raw.indexOf('\r\n');
      const size = Number.parseInt(this.#raw.slice(0, Math.max(0, end)), 16);
      if (end === -1 || this.#raw.length < end + 2 + size + 2) return text;
      text += this.#raw.slice(end + 2, end + 2 + size);
      this.#raw = this.#raw.slice(end + 2 + size + 2);
      if (size === 0) return text;
    }
  }

  #events(): void {
    const events = this.#text.split('\n\n');
    this.#text = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').filter((line) => line.startsWith('data: '));
      for (const line of data) if (line.length > 6) this.#onText(line.slice(6));
    }
  }
}
