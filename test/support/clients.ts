/** Two small MCP clients on raw HTTP, one for each era. They check nothing: that is for the tests. */
import { JSON_HEADERS, send, type Exchange, type Message } from './http.ts';
import { within } from './until.ts';

export const LEGACY = '2025-11-25';
export const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';

export interface LegacyOptions {
  readonly revision?: string;
  readonly capabilities?: Record<string, unknown>;
}

/** A session of a legacy revision. */
export class LegacyClient {
  readonly url: string;
  readonly revision: string;
  readonly sessionId: string;
  readonly hello: Message;
  #nextId = 1;

  private constructor(url: string, revision: string, opened: { id: string; hello: Message }) {
    this.url = url;
    this.revision = revision;
    this.sessionId = opened.id;
    this.hello = opened.hello;
  }

  static async open(url: string, options: LegacyOptions = {}): Promise<LegacyClient> {
    const { revision = LEGACY, capabilities = {} } = options;
    const params = {
      protocolVersion: revision,
      capabilities,
      clientInfo: { name: 'e2e', version: '1.0.0' },
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const exchange = send(url, { headers: JSON_HEADERS, body });
    const hello = await exchange.answer();
    const id = exchange.headers['mcp-session-id'];
    if (typeof id !== 'string') throw new Error(`No session: ${JSON.stringify(hello)}`);
    const client = new LegacyClient(url, revision, { id, hello });
    await client.notify('notifications/initialized');
    return client;
  }

  get headers(): Record<string, string> {
    return {
      ...JSON_HEADERS,
      'mcp-session-id': this.sessionId,
      'mcp-protocol-version': this.revision,
    };
  }

  /** @param body JSON text, sent as it is */
  post(body: string, headers: Record<string, string> = {}): Exchange {
    return send(this.url, { headers: { ...this.headers, ...headers }, body });
  }

  request(method: string, params?: unknown, id: string | number = this.#nextId++): Exchange {
    return this.post(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  }

  call(name: string, args: unknown = {}, meta?: unknown): Exchange {
    return this.request('tools/call', {
      name,
      arguments: args,
      ...(meta === undefined ? {} : { _meta: meta }),
    });
  }

  async notify(method: string, params?: unknown): Promise<number> {
    const exchange = this.post(JSON.stringify({ jsonrpc: '2.0', method, params }));
    await within(`${method} is accepted`, exchange.ended);
    return exchange.status;
  }

  /** Opens the standing stream, or another one again by the id of its last event. */
  listen(lastEventId?: string): Promise<Exchange> {
    const headers = {
      ...this.headers,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    };
    return send(this.url, { method: 'GET', headers }).opened();
  }

  /** Ends the session. Answers the status. */
  async end(): Promise<number> {
    const exchange = send(this.url, { method: 'DELETE', headers: this.headers });
    await within('DELETE is answered', exchange.ended);
    return exchange.status;
  }
}

export interface ModernOptions {
  readonly id?: string | number;
  readonly meta?: Record<string, unknown>;
  readonly capabilities?: Record<string, unknown>;
  /** Over or instead of the right ones; an empty value leaves a header out. */
  readonly headers?: Record<string, string>;
}

/** One request of the stateless revision. */
export function modern(
  url: string,
  method: string,
  params: Record<string, unknown> = {},
  options: ModernOptions = {},
): Exchange {
  const { id = 1, capabilities = {}, meta = {} } = options;
  const message = {
    jsonrpc: '2.0',
    id,
    method,
    params: {
      ...params,
      _meta: {
        [`${META}protocolVersion`]: MODERN,
        [`${META}clientCapabilities`]: capabilities,
        [`${META}clientInfo`]: { name: 'e2e', version: '1.0.0' },
        ...meta,
      },
    },
  };
  return modernText(url, JSON.stringify(message), {
    'mcp-method': method,
    ...namedBy(params),
    ...options.headers,
  });
}

/** @param body JSON text, sent as it is */
export function modernText(url: string, body: string, headers: Record<string, string>): Exchange {
  const all = { ...JSON_HEADERS, 'mcp-protocol-version': MODERN, ...headers };
  const given = Object.entries(all).filter(([, value]) => value !== '');
  return send(url, { headers: Object.fromEntries(given), body });
}

export const modernCall = (
  url: string,
  name: string,
  args: unknown = {},
  options: ModernOptions = {},
): Exchange => modern(url, 'tools/call', { name, arguments: args }, options);

function namedBy({ name, uri, taskId }: Record<string, unknown>): Record<string, string> {
  const value = name ?? uri ?? taskId;
  return typeof value === 'string' ? { 'mcp-name': value } : {};
}

/** The first text block of a tool result. */
export function textOf(message: Message): string {
  const content = message.result?.['content'];
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  if (typeof first === 'object' && first !== null && 'text' in first) return String(first.text);
  throw new Error(`No text: ${JSON.stringify(message)}`);
}

/** The process that answers the tool `pid` of the misbehaving fixture, under the name that it has for this client. */
export const pidOf = async (client: LegacyClient, tool = 'pid'): Promise<string> =>
  textOf(await client.call(tool).answer());

/** The structured content of a tool result. */
export function structuredOf(message: Message): Record<string, unknown> {
  const value = message.result?.['structuredContent'];
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new Error(`No structured content: ${JSON.stringify(message)}`);
}
