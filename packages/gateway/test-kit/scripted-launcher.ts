/** Upstream servers in memory that do what a test tells them, and keep the contract of the port. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { latin1 } from '../src/application/byte-text.ts';
import type {
  Logger,
  StartOptions,
  UpstreamCall,
  UpstreamConnection,
  UpstreamLauncher,
} from '../src/application/ports.ts';
import { McpServerId, type McpServerSpec } from '../src/domain/mcp-server/spec.ts';
import type { JsonObject, RpcError } from '../src/domain/protocol/json-rpc.ts';
import type { Era } from '../src/domain/protocol/revisions.ts';
import { readServerLine } from '../src/domain/protocol/server-message.ts';

export const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What of a server's configuration a test cares for. */
export type SpecPart = Partial<Omit<McpServerSpec, 'id'>> & { readonly id?: string };

export const specOf = (spec: SpecPart = {}): McpServerSpec => ({
  description: undefined,
  enabled: true,
  autoStart: false,
  launch: { kind: 'stdio', command: 'server', args: [], env: {}, cwd: undefined },
  digest: 'd',
  secrets: [],
  era: undefined,
  sharing: 'auto',
  idleTtlMs: 0,
  startupTimeoutMs: 1_000,
  callTimeoutMs: 1_000,
  failuresMax: 3,
  healthIntervalMs: 0,
  breaker: undefined,
  failover: undefined,
  replicas: 1,
  leasedChildrenMax: 8,
  sessionChildrenMax: 100,
  predefinedTools: undefined,
  hiddenTools: [],
  ...spec,
  id: McpServerId.parse(spec.id ?? 'server'),
});

/** Answers a request at once: with a result, an error, or by itself later (undefined). */
export type Behaviour = (
  method: string,
  params: JsonObject,
) => { readonly result: JsonObject } | { readonly error: RpcError } | undefined;

export interface Hello {
  readonly era?: Era;
  readonly capabilities?: JsonObject;
  readonly behaviour?: Behaviour;
  /** As with servers over HTTP. */
  readonly mayReorder?: boolean;
}

export class ScriptedConnection implements UpstreamConnection {
  readonly era: Era;
  readonly hello: JsonObject;
  readonly pid: number;
  readonly mayReorder: boolean;
  /** Every line that it was sent, parsed. */
  readonly lines: JsonObject[] = [];
  readonly cancelled: number[] = [];
  /** Why it was closed. */
  readonly closed: string[] = [];
  isAlive = true;
  readonly #options: StartOptions;
  readonly #behaviour: Behaviour;
  readonly #calls = new Map<number, UpstreamCall>();
  #nextId = 1;

  constructor(pid: number, options: StartOptions, hello: Hello) {
    this.pid = pid;
    this.era = hello.era ?? 'legacy';
    this.hello = { capabilities: hello.capabilities ?? {} };
    this.mayReorder = hello.mayReorder ?? false;
    this.#options = options;
    this.#behaviour = hello.behaviour ?? (() => undefined);
  }

  get pending(): number {
    return this.#calls.size;
  }

  send(call: UpstreamCall): number {
    if (!this.isAlive) throw new Fault('UPSTREAM_ENDED', 'the server has ended');
    const id = this.#nextId++;
    this.#calls.set(id, call);
    const line = JSON.parse(call.parts.join(String(id))) as JsonObject;
    this.lines.push(line);
    const answer = this.#behaviour(String(line['method']), (line['params'] ?? {}) as JsonObject);
    if (answer !== undefined) queueMicrotask(() => this.answer(id, answer));
    return id;
  }

  cancel(id: number): void {
    if (this.#calls.delete(id)) this.cancelled.push(id);
  }

  write(line: string): void {
    if (this.isAlive) this.lines.push(JSON.parse(line) as JsonObject);
  }

  close(reason: string): Promise<void> {
    this.closed.push(reason);
    this.crash(reason);
    return Promise.resolve();
  }

  answer(id: number, answer: { readonly result: JsonObject } | { readonly error: RpcError }): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    const tail = Buffer.from(JSON.stringify(answer).slice(1)).toString('latin1');
    call?.answered({
      isError: 'error' in answer,
      before: ['{"jsonrpc":"2.0","id":'],
      after: [`,${tail}`],
      bytes: tail.length,
    });
  }

  /** A notification that is part of a call: of a subscription, say. */
  saysIn(id: number, message: JsonObject): void {
    const read = readServerLine(lineOf(message));
    if (read !== undefined) this.#calls.get(id)?.notified(read);
  }

  /** A request or notification of the server's own. */
  says(message: JsonObject): void {
    this.saysLine(lineOf(message));
  }

  /** The same as a line, which may be no JSON: long lines come unchecked. */
  saysLine(line: string): void {
    const read = readServerLine(line);
    if (read?.kind === 'request') this.#options.observer.request(read);
    else if (read?.kind === 'notification') this.#options.observer.notification(read);
    else throw new Error(`a server does not say ${line}`);
  }

  /** Progress of one of its calls, as the port has it: correlated. */
  progress(id: number, params: JsonObject): void {
    this.saysIn(id, { method: 'notifications/progress', params });
  }

  /** It ends: first its calls are told, then whoever owns it. */
  crash(detail = 'exit code 1'): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    const lost = new Fault('UPSTREAM_ENDED', `the server ended (${detail})`);
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.lost(lost);
    this.#options.observer.ended(detail);
  }
}

const lineOf = (message: JsonObject): string =>
  latin1(JSON.stringify({ jsonrpc: '2.0', ...message }));

interface Start {
  readonly options: StartOptions;
  readonly resolve: (connection: UpstreamConnection) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts servers when the test says so; `hello` alone makes every start succeed at once. */
export class ScriptedLauncher implements UpstreamLauncher {
  /** Starts that wait for the test. */
  readonly starting: Start[] = [];
  readonly connections: ScriptedConnection[] = [];
  /** What each start was asked for, in order. */
  readonly asked: StartOptions[] = [];
  readonly #hello: Hello | undefined;
  /** Set where an aborted start succeeds all the same, as one may that was as good as done. */
  ignoresAbort = false;
  /** Set where no start succeeds. */
  failure: string | undefined;

  constructor(hello?: Hello) {
    this.#hello = hello;
  }

  get alive(): readonly ScriptedConnection[] {
    return this.connections.filter(({ isAlive }) => isAlive);
  }

  start(_spec: McpServerSpec, options: StartOptions): Promise<UpstreamConnection> {
    this.asked.push(options);
    if (this.failure !== undefined)
      return Promise.reject(new Fault('MCP_SERVER_START_FAILED', this.failure));
    if (this.#hello !== undefined) return Promise.resolve(this.#connect(options, this.#hello));
    return new Promise((resolve, reject) => {
      const start = { options, resolve, reject };
      this.starting.push(start);
      options.signal.addEventListener('abort', () => {
        if (!this.ignoresAbort && this.#take(start)) reject(new Error('aborted'));
      });
    });
  }

  /** Lets the oldest start succeed. */
  succeed(hello: Hello = {}): ScriptedConnection {
    const start = this.#oldest();
    const connection = this.#connect(start.options, hello);
    start.resolve(connection);
    return connection;
  }

  /** Lets the oldest start fail. */
  fail(detail = 'it does not run'): void {
    this.#oldest().reject(new Fault('MCP_SERVER_START_FAILED', detail));
  }

  #connect(options: StartOptions, hello: Hello): ScriptedConnection {
    const connection = new ScriptedConnection(this.connections.length + 1, options, hello);
    this.connections.push(connection);
    return connection;
  }

  #oldest(): Start {
    const start = this.starting.shift();
    if (start === undefined) throw new Error('nothing is starting');
    return start;
  }

  #take(start: Start): boolean {
    const at = this.starting.indexOf(start);
    if (at !== -1) this.starting.splice(at, 1);
    return at !== -1;
  }
}

/** Lets all that is ready go on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What work failed with; undefined where it did not. */
export const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => error,
  );
