/**
 * Starts one server as the gateway would, looks at it, and ends it.
 *
 * Invariants:
 * 1. Every wait has a limit, so that each check ends.
 * 2. Whatever happens, the process is ended and nothing that it started is left (where /proc tells of it).
 */
import { randomUUID } from 'node:crypto';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import { Secret } from '@mcp-hangar/kernel/secret';
import { ask, RpcRefusal } from '../../application/calls/ask.ts';
import { fetchCatalog, fetchTools } from '../../application/catalog/fetch-catalog.ts';
import type {
  ConnectionObserver,
  UpstreamConnection,
  UpstreamLauncher,
} from '../../application/ports.ts';
import { FINDINGS, type FindingId } from '../../domain/doctor/finding.ts';
import type {
  CallFacts,
  EndingFacts,
  FailureFacts,
  HelloFacts,
  ListFacts,
  OutputFacts,
  ServerCheck,
} from '../../domain/doctor/server-check.ts';
import { redactor } from '../../domain/mcp-server/redactor.ts';
import { insteadOfMode, type McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { META, MODERN_REVISION } from '../../domain/protocol/revisions.ts';
import { DEFAULT_TIMINGS, type ChildProcess } from '../launcher/child-process.ts';
import type { StdioConnection } from '../upstream/stdio-connection.ts';
import { commandFacts } from './command-facts.ts';
import { configuredFacts } from './configured-facts.ts';
import { endMarked, MARK } from './marked-processes.ts';

const LISTS_MS_MAX = 20_000;
const CALL_MS_MAX = 60_000;
const CALL_BYTES_MAX = 8_388_608;
const ERROR_LINES_MAX = 5;
const TEXT_CHARS_MAX = 300;
/** Of a diagnosis, which may quote a whole PATH. */
const DIAGNOSIS_CHARS_MAX = 4_000;

export type OnChild = (child: ChildProcess, connection: StdioConnection) => void;

export interface CheckOptions {
  /** The gateway's own, which tells of each process that it starts. */
  readonly launcherFor: (onChild: OnChild) => UpstreamLauncher;
  /** The environment of the gateway. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `_meta` for requests to modern servers. */
  readonly modernMeta: JsonObject;
  /** A tool to call once. */
  readonly call?: { readonly tool: string; readonly args: JsonObject } | undefined;
  /** The check is not wanted any more: it ends what it started, and soon. */
  readonly signal: AbortSignal;
}

/** @param envUnset variables that the entry refers to and that are not set: then it is not started. Never rejects. */
export async function checkServer(
  spec: McpServerSpec,
  envUnset: readonly string[],
  options: CheckOptions,
): Promise<ServerCheck> {
  const configured = await configuredFacts(spec, envUnset);
  const check = { configured, timings: {} };
  const { launch } = spec;
  if (!spec.enabled) return { ...check, notStarted: 'disabled' };
  if (envUnset.length > 0) return check;
  if (launch.kind === 'inactive') {
    const fix = insteadOfMode(launch.mode);
    return { ...check, notStarted: { id: 'mode_inactive', message: launch.reason, fix } };
  }
  const mark = randomUUID();
  const command = launch.kind === 'stdio' ? await commandFacts(launch, options) : undefined;
  try {
    const seen = await new RunningCheck(marked(spec, mark), options).run();
    const escaped = (await endMarked(mark)).map(({ name }) => name);
    const ending =
      seen.ending ?? (escaped.length > 0 ? ({ by: 'itself', escaped: [] } as const) : undefined);
    return {
      ...check,
      command,
      ...seen,
      ...(ending === undefined ? {} : { ending: { ...ending, escaped } }),
    };
  } finally {
    await endMarked(mark);
  }
}

function marked(spec: McpServerSpec, mark: string): McpServerSpec {
  const { launch } = spec;
  if (launch.kind !== 'stdio') return spec;
  return { ...spec, launch: { ...launch, env: { ...launch.env, [MARK]: new Secret(mark) } } };
}

type Seen = Omit<ServerCheck, 'configured' | 'notStarted' | 'command'>;

class RunningCheck implements ConnectionObserver {
  readonly #spec: McpServerSpec;
  readonly #options: CheckOptions;
  readonly #redact: (text: string) => string;
  readonly #timings: { -readonly [Key in keyof Seen['timings']]: number } = {};
  #connection: UpstreamConnection | undefined;
  #process: { readonly child: ChildProcess; readonly connection: StdioConnection } | undefined;
  #exitedAtMs: number | undefined;

  constructor(spec: McpServerSpec, options: CheckOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#redact = redactor(spec.secrets);
  }

  readonly #clean = (text: string): string => shortened(this.#redact(text), TEXT_CHARS_MAX);

  async run(): Promise<Seen> {
    try {
      this.#connection = await this.#start();
    } catch (error) {
      const startFailure = this.#failureOf(error);
      return { startFailure, output: this.#output(), timings: this.#timings };
    }
    const connection = this.#connection;
    const hello = this.#hello(connection);
    const listed = await this.#lists(connection);
    const call = await this.#call(connection);
    const ending = await this.#end(connection);
    return { hello, ...listed, call, ending, output: this.#output(), timings: this.#timings };
  }

  async #start(): Promise<UpstreamConnection> {
    const beganAtMs = performance.now();
    let handshakeAtMs = beganAtMs;
    const launcher = this.#options.launcherFor((child, connection) => {
      this.#process = { child, connection };
      this.#exitedAtMs = undefined; // of one that was asked in the wrong era before
      void child.exited.then(() => {
        if (this.#process?.child === child) this.#exitedAtMs = performance.now();
      });
    });
    const connection = await launcher.start(this.#spec, {
      era: this.#spec.era ?? 'legacy',
      capabilities: {},
      clientInfo: undefined,
      observer: this,
      signal: this.#options.signal,
      onHandshake: () => {
        handshakeAtMs = performance.now();
        this.#timings.spawn = handshakeAtMs - beganAtMs;
      },
    });
    this.#timings.handshake = performance.now() - handshakeAtMs;
    return connection;
  }

  #hello({ era, hello }: UpstreamConnection): HelloFacts {
    const meta = isObject(hello['_meta']) ? hello['_meta'] : {};
    const told = hello['serverInfo'] ?? meta[META.serverInfo];
    const info = isObject(told) ? told : {};
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' ? this.#clean(value) : undefined;
    const { capabilities } = hello;
    return {
      era,
      revision: era === 'modern' ? MODERN_REVISION : (text(hello['protocolVersion']) ?? 'unknown'),
      name: text(info['name']),
      version: text(info['version']),
      capabilities: isObject(capabilities) ? Object.keys(capabilities).map(this.#clean) : [],
    };
  }

  async #lists(connection: UpstreamConnection): Promise<Pick<Seen, 'list' | 'listFailure'>> {
    const meta = connection.era === 'modern' ? this.#options.modernMeta : {};
    const limit = AbortSignal.timeout(LISTS_MS_MAX);
    const signal = AbortSignal.any([limit, this.#options.signal]);
    let list: ListFacts | undefined;
    try {
      const first = await timed(() => fetchTools(connection, meta, signal));
      this.#timings.firstList = first.ms;
      const second = await timed(() => fetchTools(connection, meta, signal));
      this.#timings.secondList = second.ms;
      const { tools, incomplete } = first.value;
      list = {
        tools,
        incomplete,
        bytes: Buffer.byteLength(JSON.stringify(tools)),
        isStable: namesOf(tools) === namesOf(second.value.tools),
      };
      // One list that cannot be read is as if none could.
      await fetchCatalog(connection, meta, signal);
      return { list };
    } catch (error) {
      const late = `no answer to its lists within ${LISTS_MS_MAX / 1_000} s`;
      const fix = 'it hangs: read its stderr, or start it by hand and send tools/list';
      const listFailure = limit.aborted ? { message: late, fix } : this.#failureOf(error);
      return list === undefined ? { listFailure } : { list, listFailure };
    }
  }

  async #call(connection: UpstreamConnection): Promise<CallFacts | undefined> {
    const { call, modernMeta, signal } = this.#options;
    if (call === undefined) return undefined;
    const { tool, args } = call;
    const meta = connection.era === 'modern' ? modernMeta : {};
    const params = { ...meta, name: tool, arguments: args };
    const timeoutMs = Math.min(CALL_MS_MAX, this.#spec.callTimeoutMs);
    const limits = { timeoutMs, answerBytesMax: CALL_BYTES_MAX, signal, name: tool };
    const outcome = { tool, failure: undefined, toolError: undefined };
    try {
      const answered = await timed(() => ask(connection, 'tools/call', params, limits));
      this.#timings.call = answered.ms;
      if (answered.value['isError'] !== true) return outcome;
      const said = JSON.stringify(answered.value['content'] ?? null);
      return { ...outcome, toolError: this.#clean(said) };
    } catch (error) {
      return { ...outcome, failure: this.#clean(textOf(error)) };
    }
  }

  async #end(connection: UpstreamConnection): Promise<EndingFacts | undefined> {
    const isGone = this.#exitedAtMs !== undefined;
    const beganAtMs = performance.now();
    await connection.close('checked');
    if (this.#process === undefined) return undefined;
    if (isGone) return { by: 'itself', escaped: [] };
    const tookMs = (this.#exitedAtMs ?? performance.now()) - beganAtMs;
    this.#timings.stop = tookMs;
    const { stdinCloseMs, termMs } = DEFAULT_TIMINGS;
    if (tookMs < stdinCloseMs) return { by: 'stdin', escaped: [] };
    return { by: tookMs < stdinCloseMs + termMs ? 'sigterm' : 'sigkill', escaped: [] };
  }

  #output(): OutputFacts | undefined {
    if (this.#process === undefined) return undefined;
    const { child, connection } = this.#process;
    const { noise, noiseLines } = connection;
    const lines = child.stderr.tail().map(({ line }) => plain(line));
    const errors = lines.filter(looksLikeError);
    return {
      noiseLines,
      noise: noise === undefined ? undefined : this.#clean(plain(noise)),
      errors: errors.slice(0, ERROR_LINES_MAX).map(this.#clean),
      errorLines: errors.length,
    };
  }

  #failureOf(error: unknown): FailureFacts {
    const data = error instanceof Fault ? (error.data ?? {}) : {};
    const { diagnosis, reason, fix } = data;
    const clean = (text: string): string => shortened(this.#redact(text), DIAGNOSIS_CHARS_MAX);
    const byCode = error instanceof Fault ? BY_CODE[error.code] : undefined;
    return {
      id: findingOf(diagnosis) ?? byCode ?? 'handshake_invalid',
      message: clean(typeof reason === 'string' ? reason : textOf(error)),
      fix: typeof fix === 'string' ? clean(fix) : undefined,
    };
  }

  request({ rawId, method }: Parameters<ConnectionObserver['request']>[0]): void {
    const answer =
      method === 'ping'
        ? '"result":{}'
        : `"error":${JSON.stringify({ code: RPC.methodNotFound, message: `doctor does not answer ${method}` })}`;
    this.#connection?.write(`{"jsonrpc":"2.0","id":${rawId},${answer}}`);
  }

  notification(): void {
    // What it says on its own is not looked at.
  }

  ended(): void {
    // The exit of the process tells.
  }
}

const BY_CODE: Readonly<Partial<Record<ErrorCode, FindingId>>> = {
  MCP_SERVER_START_FAILED: 'handshake_invalid',
  UPSTREAM_ADDRESS_REFUSED: 'address_refused',
  UPSTREAM_ANSWER_INVALID: 'not_mcp',
  UPSTREAM_ANSWER_TOO_LARGE: 'handshake_invalid',
  UPSTREAM_ENDED: 'unreachable',
  UPSTREAM_PROTOCOL_ERROR: 'not_mcp',
  UPSTREAM_RATE_LIMITED: 'rate_limited',
  UPSTREAM_TLS_FAILED: 'tls_failed',
  UPSTREAM_UNAUTHORIZED: 'unauthorized',
  UPSTREAM_UNAVAILABLE: 'unavailable',
  UPSTREAM_UNREACHABLE: 'unreachable',
};

const isFindingId = (id: string): id is FindingId => Object.hasOwn(FINDINGS, id);
const findingOf = (id: unknown): FindingId | undefined =>
  typeof id === 'string' && isFindingId(id) ? id : undefined;

async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly ms: number }> {
  const beganAtMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - beganAtMs };
}

const namesOf = (tools: readonly JsonObject[]): string =>
  JSON.stringify(tools.map(({ name }) => name));

/** Without what colours it in a terminal. */
const plain = (line: string): string =>
  // eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
  line.replaceAll(/\u001b\[[0-9;]*m/g, '').trim();

const looksLikeError = (line: string): boolean =>
  /\b(?:error|fatal|exception|traceback|panic(?:ked)?|unhandled|segmentation fault)\b/i.test(
    line,
  ) && !/\b(?:no|0|without) errors?\b/i.test(line);

const shortened = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;

const textOf = (error: unknown): string =>
  error instanceof RpcRefusal
    ? `it answered with error ${error.error.code}: "${error.message}"`
    : messageOf(error);
