/** One client on a pair of streams in memory, in front of one scripted server. */
import { PassThrough, type Writable } from 'node:stream';
import { compose, type Gateway } from '../src/bootstrap/compose.ts';
import { loadGatewayConfig } from '../src/bootstrap/config/load-config.ts';
import type { ClosedReason, StdioFront } from '../src/server/front-door/stdio-front.ts';
import type { JsonObject } from '../src/domain/protocol/json-rpc.ts';
import { ScriptedLauncher, settled, SILENT, type Hello } from './scripted-launcher.ts';

export const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'unit', version: '1' },
};
export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const TOOL = {
  name: 'work',
  inputSchema: { type: 'object', properties: { region: { 'x-mcp-header': 'Region' } } },
};
const TURNS_MAX = 2_000;

export interface StdioWorldOptions {
  readonly hello?: Hello;
  /** Keys of the server in the configuration, as YAML. */
  readonly server?: string;
  readonly limits?: string;
  /** In place of a stream that is read at once. */
  readonly output?: Writable;
}

/** It lists one tool, says nothing to `tools/call`, and takes everything else. */
const HELLO: Hello = {
  capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
  behaviour: (method) => {
    if (method === 'tools/list') return { result: { tools: [TOOL] } };
    if (method === 'tools/call' || method === 'subscriptions/listen') return undefined;
    return { result: {} };
  },
};

export class StdioWorld implements AsyncDisposable {
  readonly launcher: ScriptedLauncher;
  readonly gateway: Gateway;
  readonly front: StdioFront;
  readonly input = new PassThrough();
  /** Lines as they were written. */
  readonly lines: string[] = [];
  closed: ClosedReason | undefined;
  #rest = '';

  static async open(options: StdioWorldOptions = {}): Promise<StdioWorld> {
    const launcher = new ScriptedLauncher({ ...HELLO, ...options.hello });
    const text = `mcp_servers: { s: { command: [none], ${options.server ?? ''} } }\nlimits: { shutdown_grace_s: 1, ${options.limits ?? ''} }\n`;
    const loaded = loadGatewayConfig({ text, env: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    const gateway = await compose(loaded.value, { logger: SILENT, launcher });
    return new StdioWorld(gateway, launcher, options);
  }

  private constructor(gateway: Gateway, launcher: ScriptedLauncher, options: StdioWorldOptions) {
    this.gateway = gateway;
    this.launcher = launcher;
    const output = options.output ?? new PassThrough().on('data', (chunk) => this.#read(chunk));
    this.front = this.gateway.connect(this.input, output);
    void this.front.closed.then((reason) => {
      this.closed = reason;
    });
  }

  /** Every message so far. */
  get messages(): readonly JsonObject[] {
    return this.lines.map((line) => JSON.parse(line) as JsonObject);
  }

  /** @param messages texts are sent as they are */
  send(...messages: readonly (string | JsonObject)[]): void {
    const lines = messages.map((message) =>
      typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }),
    );
    this.input.write(`${lines.join('\n')}\n`);
  }

  /** A session of a legacy client. */
  async initialize(params: JsonObject = INITIALIZE): Promise<void> {
    this.send({ id: 'init', method: 'initialize', params });
    await this.line((message) => message['id'] === 'init');
    this.send({ method: 'notifications/initialized' });
  }

  call(id: unknown, meta: JsonObject = {}): void {
    const params = { name: 's__work', arguments: {}, _meta: meta };
    this.send({ id, method: 'tools/call', params });
  }

  modernCall(id: unknown, meta: JsonObject = {}): void {
    this.call(id, { ...MODERN_META, ...meta });
  }

  /** Waits for something that comes without a clock. */
  async until<T>(what: string, condition: () => T | undefined | false): Promise<T> {
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await settled();
    }
    throw new Error(`Not after ${TURNS_MAX} turns: ${what}\n${this.lines.join('\n')}`);
  }

  line(matches: (message: JsonObject) => boolean): Promise<JsonObject> {
    return this.until('a line', () => this.messages.find(matches));
  }

  answer(id: unknown): Promise<JsonObject> {
    return this.line((message) => message['id'] === id && message['method'] === undefined);
  }

  /** The request of a client as its server got it; `at` counts from 0. */
  received(method: string, at = 0): Promise<JsonObject> {
    return this.until(`${method} at the server`, () => this.receivedAll(method)[at]);
  }

  receivedAll(method: string): readonly JsonObject[] {
    return this.launcher.connections.flatMap(({ lines }) =>
      lines.filter((line) => line['method'] === method),
    );
  }

  /** Lets the server answer a request that it got. */
  serverAnswers({ id }: JsonObject, result: JsonObject = { content: [] }): void {
    for (const connection of this.launcher.alive) connection.answer(Number(id), { result });
  }

  serverSays(message: JsonObject): void {
    this.launcher.alive.at(-1)?.says(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front.close(0);
    await this.gateway.close();
  }

  #read(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines.push(...lines);
  }
}
