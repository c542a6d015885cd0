/**
 * A remote MCP server of a legacy revision on real sockets that misbehaves on demand. What a call does is told by the
 * name of its tool; what the server does at its start, by `boot`.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';

export interface Seen {
  readonly verb: string;
  readonly path: string;
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly args: Record<string, unknown>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown> };
}

interface Tls {
  readonly key: string;
  readonly cert: string;
}

type Answering = (
  response: ServerResponse,
  message: Message,
  args: Record<string, unknown>,
) => void;

export class HostileServer implements AsyncDisposable {
  port = 0;
  readonly seen: Seen[] = [];
  /** Statuses for whatever comes at the start, instead of an answer. */
  boot: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  readonly #tls: Tls | undefined;
  readonly #sockets = new Set<Socket>();
  #sessions = new Set<string>();
  #server: Server | undefined;
  /** Answers for whoever comes back with a Last-Event-ID. */
  readonly #kept = new Map<string, string>();

  private constructor(tls: Tls | undefined) {
    this.#tls = tls;
  }

  static async start(tls?: Tls, port = 0): Promise<HostileServer> {
    const server = new HostileServer(tls);
    await server.listen(port);
    return server;
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}/mcp`;
  }

  count(method: string): number {
    return this.seen.filter((each) => each.method === method).length;
  }

  calls(tool: string): readonly Seen[] {
    return this.seen.filter(({ method, args }) => method === `tools/call ${tool}` && args);
  }

  listen(port = this.port): Promise<void> {
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#handle(request, response);
    };
    const server =
      this.#tls === undefined ? createServer(handle) : createTlsServer(this.#tls, handle);
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        if (address !== null && typeof address === 'object') this.port = address.port;
        resolve();
      });
    });
  }

  /** It is gone with all that it knew; its port stays its own. */
  async stop(): Promise<void> {
    this.#sessions = new Set();
    const closed = new Promise<void>((resolve) => this.#server?.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Every session is forgotten, and nothing else happens. */
  forget(): void {
    this.#sessions = new Set();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    let text = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
    } catch {
      return; // the connection was cut
    }
    const message = (text === '' ? {} : JSON.parse(text)) as Message;
    const { method = '', headers, url = '' } = request;
    const name = message.method === 'tools/call' ? ` ${message.params?.name ?? ''}` : '';
    const args = message.params?.arguments ?? {};
    const what = message.method === undefined ? undefined : `${message.method}${name}`;
    this.seen.push({ verb: method, path: url, method: what, headers, args });
    this.#answer(request, response, message);
  }

  #answer(request: IncomingMessage, response: ServerResponse, message: Message): void {
    if (this.boot !== undefined) {
      response.writeHead(this.boot.status, this.boot.headers).end('no');
      return;
    }
    const session = String(request.headers['mcp-session-id'] ?? '');
    if (message.method === 'initialize') this.#initialize(response, message);
    else if (message.method === 'server/discover' && session === '')
      fail(response, 400, { code: -32_000, message: 'Bad Request: Server not initialized' });
    else if (!this.#sessions.has(session))
      fail(response, 404, { code: -32_001, message: 'Session not found' });
    else if (request.method === 'GET') this.#resume(request, response);
    else if (request.method === 'DELETE') {
      this.#sessions.delete(session);
      response.writeHead(200).end();
    } else if (message.id === undefined) response.writeHead(202).end();
    else if (message.method === 'tools/list') result(response, message, { tools: TOOLS });
    else if (message.method === 'tools/call') this.#call(response, message);
    else result(response, message, {});
  }

  #initialize(response: ServerResponse, message: Message): void {
    const id = randomUUID();
    this.#sessions.add(id);
    response.setHeader('mcp-session-id', id);
    result(response, message, {
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'hostile', version: '1.0.0' },
    });
  }

  #resume(request: IncomingMessage, response: ServerResponse): void {
    const last = request.headers['last-event-id'];
    const kept = this.#kept.get(String(last));
    if (kept === undefined) {
      response.writeHead(405).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`id: ${String(last)}-answer\ndata: ${kept}\n\n`);
  }

  #call(response: ServerResponse, message: Message): void {
    const { name = '', arguments: args = {} } = message.params ?? {};
    if (name === 'resumable') {
      const event = randomUUID();
      this.#kept.set(event, answerText(message, 'resumed'));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: ${event}\nretry: 20\ndata: \n\n`);
      setTimeout(() => response.destroy(), 20);
      return;
    }
    BEHAVIOURS[name]?.(response, message, args);
  }
}

const text = (content: string): Record<string, unknown> => ({
  content: [{ type: 'text', text: content }],
});
const answerText = ({ id }: Message, content: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: text(content) });

function result(response: ServerResponse, { id }: Message, value: unknown): void {
  json(response, 200, JSON.stringify({ jsonrpc: '2.0', id, result: value }));
}

function fail(response: ServerResponse, status: number, error: unknown, id: unknown = null): void {
  json(response, status, JSON.stringify({ jsonrpc: '2.0', id, error }));
}

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function stream(response: ServerResponse, ...chunks: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const chunk of chunks) response.write(chunk);
}

const BEHAVIOURS: Readonly<Record<string, Answering>> = {
  echo: (response, message, args) => result(response, message, text(JSON.stringify(args))),
  streamed: (response, message, args) => {
    stream(
      response,
      `: hello\r\n\r\nevent: message\r\ndata: ${answerText(message, String(args['say']))}\r\n\r\n`,
    );
    response.end();
  },
  status: (response, _message, { status, headers, body }) => {
    response.writeHead(Number(status), { ...(headers as Record<string, string>) });
    response.end(typeof body === 'string' ? body : '');
  },
  refuses: (response, message, { status }) =>
    fail(response, Number(status), { code: -32_042, message: 'not today' }, message.id),
  silent: () => undefined,
  reset: (response) => response.socket?.destroy(),
  slow_body: (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"jsonrpc"');
  },
  cut_body: (response, message) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write(answerText(message, 'half').slice(0, 30));
    setTimeout(() => response.destroy(), 20);
  },
  cut_stream: (response, message) => {
    stream(response, `data: ${answerText(message, 'half').slice(0, 30)}`);
    setTimeout(() => response.destroy(), 20);
  },
  ended_stream: (response) => {
    stream(response, ': nothing to say\n\n');
    response.end();
  },
  wrong_id: (response, message) =>
    json(response, 200, answerText({ ...message, id: Number(message.id) + 1_000 }, 'not yours')),
  garbage: (response) => json(response, 200, '{"jsonrpc": "2.0", '),
  page: (response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
  },
  nothing: (response) => response.writeHead(202).end(),
  huge: (response, message, { bytes }) =>
    result(response, message, text('x'.repeat(Number(bytes)))),
  huge_event: (response, message, { bytes }) => {
    stream(response, `data: ${answerText(message, 'x'.repeat(Number(bytes)))}\n\n`);
    response.end();
  },
  no_http: (response) => response.socket?.end('220 mail.example ESMTP\r\n'),
  many_headers: (response) => {
    for (let each = 0; each < 20; each += 1) response.setHeader(`x-${each}`, 'y'.repeat(5_000));
    response.writeHead(200).end();
  },
};

const TOOLS = ['resumable', ...Object.keys(BEHAVIOURS)].map((name) => ({
  name,
  inputSchema: { type: 'object' },
}));
