/** The real command as AI clients start it: a process of its own, with the protocol on its pipes. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { LEGACY, MODERN } from './clients.ts';
import { COMMAND, environment, fileOf, STOP_MS_MAX, type Config } from './gateway.ts';
import type { Message } from './http.ts';
import type { StdioTarget } from './sdk-peers.ts';
import { until, within } from './until.ts';

const META = 'io.modelcontextprotocol/';

/** What an AI client has in its settings. */
export async function stdioTarget(config: Config | string): Promise<StdioTarget & AsyncDisposable> {
  const { folder, file } = await fileOf(config);
  return {
    command: process.execPath,
    args: [COMMAND, '--config', file, '--log-level', 'debug'],
    cwd: folder,
    env: environment(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

export interface StdioOptions {
  readonly revision?: string;
  readonly capabilities?: Record<string, unknown>;
}

/** A client on the pipes of a gateway of its own. It checks nothing but that every line is JSON. */
export class StdioClient implements AsyncDisposable {
  readonly #target: StdioTarget & AsyncDisposable;
  readonly child: ChildProcessWithoutNullStreams;
  /** Settles with exit code or signal when the process is gone and its pipes are read. */
  readonly exited: Promise<number | string>;
  readonly #messages: Message[] = [];
  #text = '';
  #stderr = '';
  #nextId = 1;

  private constructor(target: StdioTarget & AsyncDisposable) {
    const { command, args, cwd, env } = target;
    this.#target = target;
    this.child = spawn(command, args, { cwd, env, stdio: 'pipe' });
    this.child.stdin.on('error', () => undefined); // it ended: `exited` tells
    this.child.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    this.child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr += chunk;
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** Starts a gateway; nothing is said to it yet. */
  static async start(config: Config | string): Promise<StdioClient> {
    return new StdioClient(await stdioTarget(config));
  }

  /** Starts what the target names; its folder is somebody else's. */
  static at(target: StdioTarget): StdioClient {
    return new StdioClient({ ...target, [Symbol.asyncDispose]: () => Promise.resolve() });
  }

  /** Starts a gateway and opens the session of a legacy client. */
  static async open(config: Config | string, options: StdioOptions = {}): Promise<StdioClient> {
    const client = await StdioClient.start(config);
    await client.initialize(options);
    return client;
  }

  async initialize({ revision = LEGACY, capabilities = {} }: StdioOptions = {}): Promise<Message> {
    const clientInfo = { name: 'e2e', version: '1.0.0' };
    const params = { protocolVersion: revision, capabilities, clientInfo };
    const hello = await this.request('initialize', params);
    this.notify('notifications/initialized');
    return hello;
  }

  /** Every message so far, in order. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** One line, as it is. */
  send(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  notify(method: string, params?: unknown): void {
    this.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** Sends a request and waits for its answer. */
  request(
    method: string,
    params?: unknown,
    id: string | number = this.#nextId++,
  ): Promise<Message> {
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return this.answer(id);
  }

  modern(
    method: string,
    params: Record<string, unknown> = {},
    meta: Record<string, unknown> = {},
  ): Promise<Message> {
    const own = { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {} };
    return this.request(method, { ...params, _meta: { ...own, ...meta } });
  }

  call(name: string, args: unknown = {}, meta?: unknown): Promise<Message> {
    return this.request('tools/call', {
      name,
      arguments: args,
      ...(meta === undefined ? {} : { _meta: meta }),
    });
  }

  answer(id: string | number | null): Promise<Message> {
    return this.next(`the answer to ${id}`, (one) => one.id === id && one.method === undefined);
  }

  notified(method: string): Promise<Message> {
    return this.next(method, (message) => message.method === method);
  }

  next(what: string, matches: (message: Message) => boolean): Promise<Message> {
    return until(what, () => this.#messages.find(matches));
  }

  /** Ends stdin, as a client that goes; answers the exit code. */
  end(): Promise<number | string> {
    this.child.stdin.end();
    return within('the gateway ends', this.exited, STOP_MS_MAX);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.child.exitCode === null && this.child.signalCode === null) await this.end();
    } finally {
      this.child.kill('SIGKILL');
      await this.#target[Symbol.asyncDispose]();
    }
  }

  #read(chunk: string): void {
    const lines = (this.#text + chunk).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#messages.push(JSON.parse(line) as Message);
  }
}
