import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { ResponseReader, type HttpResponse } from './http-response.ts';

const REVISION = '2025-06-18';
const MODERN_REVISION = '2026-07-28';
const ANSWER_MS_MAX = 30_000;
const FIRST_ID = 1_000_000_000;
const CLIENT_INFO = { name: 'bench', version: '1.0.0' };
const INITIALIZE = JSON.stringify({
  protocolVersion: REVISION,
  capabilities: {},
  clientInfo: CLIENT_INFO,
});

/**
 * An MCP client that does next to nothing per call: a request is a few strings put together, an answer is
 * the bytes as they came. All ids have the same number of digits, so equal answers have equal lengths.
 */
export interface Client {
  /** Sends a request and gives the bytes of the JSON-RPC answer. Rejects when there is none. */
  readonly request: (method: string, params: string) => Promise<Buffer>;
  readonly close: () => void;
}

/** One keep-alive connection, one request at a time. */
class Connection {
  readonly #socket: net.Socket;
  readonly #reader = new ResponseReader();
  #waiting: PromiseCallbacks | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer in time')));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')));
    socket.on('data', (chunk: Buffer) => {
      const response = this.#reader.push(chunk);
      if (response) this.#waiting?.resolve(response);
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  send(text: string): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(text);
    });
  }

  /** False once the server has closed it, as servers do with idle connections. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  close(): void {
    this.#socket.destroy();
  }
}

interface PromiseCallbacks {
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

/** The JSON-RPC answer in a response: the body itself, or the last event of a stream. */
function answerIn({ status, headers, body }: HttpResponse): Buffer {
  if (status !== 200) throw new Error(`HTTP ${status}: ${body.subarray(0, 200).toString()}`);
  if (!headers.get('content-type')?.startsWith('text/event-stream')) return body;
  const at = body.lastIndexOf('data: {');
  if (at < 0) throw new Error('a stream without an answer');
  const end = body.indexOf('\n', at);
  return body.subarray(at + 'data: '.length, end < 0 ? undefined : end);
}

/** MCP over Streamable HTTP, with as many connections as there are calls at once. */
class HttpClient implements Client {
  readonly #port: number;
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];
  #head: string;
  #lastId = FIRST_ID;

  constructor(port: number) {
    this.#port = port;
    this.#head =
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      'Accept: application/json, text/event-stream\r\n';
  }

  async #post(body: string, headers = ''): Promise<HttpResponse> {
    const connection = this.#takeIdle() ?? (await this.#connect());
    const length = `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    const response = await connection.send(this.#head + headers + length + body);
    this.#idle.push(connection);
    return response;
  }

  #takeIdle(): Connection | undefined {
    for (let next = this.#idle.pop(); next; next = this.#idle.pop()) {
      if (next.isOpen) return next;
    }
    return undefined;
  }

  async #connect(): Promise<Connection> {
    const connection = await Connection.open(this.#port);
    this.#all.push(connection);
    return connection;
  }

  async initialize(): Promise<void> {
    const response = await this.#post(this.#message('initialize', INITIALIZE));
    answerIn(response);
    const session = response.headers.get('mcp-session-id');
    if (session !== undefined) this.#head += `Mcp-Session-Id: ${session}\r\n`;
    this.#head += `MCP-Protocol-Version: ${REVISION}\r\n`;
    await this.#post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  #message(method: string, params: string): string {
    this.#lastId += 1;
    return `{"jsonrpc":"2.0","id":${this.#lastId},"method":"${method}","params":${params}}`;
  }

  async request(method: string, params: string, headers?: string): Promise<Buffer> {
    return answerIn(await this.#post(this.#message(method, params), headers));
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }
}

/** Opens a session, revision 2025-06-18, with the MCP server at `http://127.0.0.1:<port>/mcp`. */
export async function connectHttp(port: number): Promise<Client> {
  const client = new HttpClient(port);
  await client.initialize();
  return {
    request: (method, params) => client.request(method, params),
    close: () => client.close(),
  };
}

const NAMED = /^\{"name":"([^"]*)"/;

/** A client of revision 2026-07-28: no session, every request says who asks and what can be asked. */
export function modernClient(port: number, clientCapabilities: object = {}): Client {
  const client = new HttpClient(port);
  const said = { protocolVersion: MODERN_REVISION, clientInfo: CLIENT_INFO, clientCapabilities };
  const meta = JSON.stringify(
    Object.fromEntries(
      Object.entries(said).map(([key, value]) => [`io.modelcontextprotocol/${key}`, value]),
    ),
  );
  return {
    request: (method, params) => {
      const name = NAMED.exec(params)?.[1];
      const headers =
        `MCP-Protocol-Version: ${MODERN_REVISION}\r\nMcp-Method: ${method}\r\n` +
        (name === undefined ? '' : `Mcp-Name: ${name}\r\n`);
      const members = params === '{}' ? '' : `${params.slice(1, -1)},`;
      return client.request(method, `{${members}"_meta":${meta}}`, headers);
    },
    close: () => client.close(),
  };
}

/** The reference: an MCP server as a child of the bench, with nothing in between. */
class StdioClient implements Client {
  readonly #child: ChildProcess;
  readonly #stdin: NodeJS.WritableStream;
  readonly #pending = new Map<number, (answer: Buffer) => void>();
  #rest: Buffer[] = [];
  #lastId = FIRST_ID;

  constructor([command = '', ...args]: readonly string[], options: SpawnOptions) {
    const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#child = child;
    this.#stdin = child.stdin;
  }

  #read(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#rest.push(chunk.subarray(start, end));
      const [first = chunk] = this.#rest;
      const line = this.#rest.length === 1 ? first : Buffer.concat(this.#rest);
      this.#rest = [];
      start = end + 1;
      const id = Number(/"id":(\d+)/.exec(line.toString('latin1', 0, 64))?.[1]);
      this.#pending.get(id)?.(line);
      this.#pending.delete(id);
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async initialize(): Promise<void> {
    await this.request('initialize', INITIALIZE);
    this.#stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }

  request(method: string, params: string): Promise<Buffer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#stdin.write(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}\n`);
    });
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Starts an MCP server and opens a session over its pipes. */
export async function connectStdio(
  argv: readonly string[],
  options: SpawnOptions = {},
): Promise<Client & { readonly pid: number }> {
  const client = new StdioClient(argv, options);
  await client.initialize();
  return {
    pid: client.pid,
    request: (method, params) => client.request(method, params),
    close: () => client.close(),
  };
}
