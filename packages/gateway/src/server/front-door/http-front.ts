/** The HTTP side of the gateway: the MCP endpoints and the health pages on one port. */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import { rpcErrorOf } from '../../application/calls/reply.ts';
import type { Hub } from '../../application/dispatch/hub.ts';
import type { Limits } from '../../domain/limits.ts';
import { healthPage, type Health } from '../health/health-pages.ts';
import { forbidden, type GuardOptions } from './guards.ts';
import { contain, sendFault, type Front } from './exchange.ts';
import { handleMcp } from './mcp-endpoint.ts';
import { SessionTable } from './session-table.ts';

export interface HttpFrontOptions extends GuardOptions {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly health: Health;
}

/** Comments keep idle streams open through proxies and clients that end silent connections. */
const KEEP_ALIVE_MS = 7_500;
const CONNECTION_IDLE_MS = 65_000;
const HEADERS_MS_MAX = 30_000;
const BODY_MS_MAX = 120_000;
const UNREAD_MS_MAX = 60_000;
const CONNECTIONS_MAX = 8_192;

export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #front: Front;
  readonly #server: HttpServer;
  readonly #sockets = new SlotMap<Socket>();
  readonly #keepAlive: NodeJS.Timeout;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    const { hub, limits } = options;
    this.#front = {
      hub,
      limits,
      sessions: new SessionTable(hub, limits),
      pending: new SlotMap(),
      streams: new Set(),
      bodies: { held: 0 },
      draining: false,
    };
    const settings = {
      maxHeaderSize: limits.headerBytesMax,
      keepAliveTimeout: CONNECTION_IDLE_MS,
      headersTimeout: HEADERS_MS_MAX,
      requestTimeout: BODY_MS_MAX,
    };
    // An `import` of the module would read all its members, one of which loads a whole HTTP client: 50 ms.
    const { createServer } = process.getBuiltinModule('node:http');
    this.#server = createServer(settings, (request, response) => this.#handle(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    // A client that reads nothing of what is waiting for it is gone, whatever its socket says.
    this.#server.setTimeout(UNREAD_MS_MAX, (socket) => {
      if (socket.writableLength > 0) socket.destroy();
    });
    this.#server.on('connection', (socket) => {
      const key = this.#sockets.insert(socket);
      socket.on('close', () => this.#sockets.remove(key));
    });
    this.#keepAlive = setInterval(() => this.#sendKeepAlives(), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  /** Sessions that are alive. */
  get sessions(): number {
    return this.#front.sessions.size;
  }

  /** Binds. Answers the port that was bound. Rejects with the system's error, or where it was closed meanwhile. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        if (this.#front.draining) {
          this.#server.close();
          reject(new Fault('GATEWAY_STOPPING', 'the gateway is shutting down'));
          return;
        }
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Serves a connection that somebody else has accepted, and may have read the beginning of and put it back. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
    socket.resume();
  }

  /** Takes no more requests, waits for those in flight at most `graceMs`, then ends every connection. */
  async close(graceMs: number): Promise<void> {
    this.#front.draining = true;
    clearInterval(this.#keepAlive);
    if (!this.#server.listening) {
      this.#front.sessions.close(); // it was never opened: nobody has to be waited for
      return;
    }
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const stream of this.#front.streams) stream.end();
    const untilMs = performance.now() + graceMs;
    while (this.#front.pending.size > 0 && performance.now() < untilMs) await sleep(DRAIN_LOOK_MS);
    const stopping = rpcErrorOf(new Fault('GATEWAY_STOPPING', 'the gateway is shutting down'));
    for (const reply of this.#front.pending) reply.refuse(stopping);
    this.#front.sessions.close();
    this.#server.closeIdleConnections();
    await Promise.race([closed, sleep(LAST_BYTES_MS)]);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    contain(this.#front, response, () => this.#route(request, response));
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const page = healthPage(path, this.#options.health, this.#front.draining);
    if (page !== undefined) {
      response.writeHead(page.status, { 'content-type': 'application/json' }).end(page.body);
      return;
    }
    const reason = forbidden(request, this.#options);
    if (reason !== undefined) {
      sendFault(response, new Fault('REQUEST_FORBIDDEN', `Forbidden: ${reason}`));
      return;
    }
    if (this.#options.allowedOrigins.includes(request.headers.origin ?? '')) {
      if (answersBrowser(request, response)) return;
    }
    const endpoint = this.#endpointOf(path);
    if (endpoint === undefined) {
      const detail = `Nothing is served at ${path}; try /mcp, /mcp/SERVER or /health`;
      sendFault(response, new Fault('PATH_UNKNOWN', detail));
      return;
    }
    handleMcp({ front: this.#front, endpoint, request, response });
  }

  #endpointOf(path: string): ReturnType<Hub['fleet']['endpoint']> {
    if (path === '/mcp' || path === '/mcp/') return this.#front.hub.fleet.endpoint(undefined);
    const id = /^\/mcp\/([^/]+)\/?$/.exec(path)?.[1];
    return id === undefined ? undefined : this.#front.hub.fleet.endpoint(id);
  }

  #sendKeepAlives(): void {
    for (const reply of this.#front.pending) reply.keepAlive();
    this.#front.sessions.keepAlive();
  }
}

/** Lets the page of an origin that is listed in the configuration read answers. True where the request was only the question whether it may. */
function answersBrowser(request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '');
  response.setHeader('access-control-expose-headers', 'mcp-session-id');
  response.setHeader('vary', 'origin');
  if (request.method !== 'OPTIONS') return false;
  response.writeHead(204, {
    'access-control-allow-methods': 'POST, GET, DELETE',
    'access-control-allow-headers': BROWSER_HEADERS,
    'access-control-max-age': '600',
  });
  response.end();
  return true;
}

const BROWSER_HEADERS =
  'accept, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id';

const DRAIN_LOOK_MS = 10;
const LAST_BYTES_MS = 200;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
