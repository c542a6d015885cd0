/** What a client asks a batch of calls to be: read as a whole, so that either all of it is tried or nothing. */
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import { nearest } from '../near-names.ts';
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';

export const CALLS_MAX = 100;
/** Lowest, highest and usual value of each number; what lies outside is moved to the nearest end. */
export const BATCH_NUMBERS = {
  max_concurrency: { min: 1, max: 50, standard: 10 },
  timeout: { min: 1, max: 300, standard: 60 },
  /** Without it as the configuration says (`retry`), which is one attempt unless it says something. */
  max_attempts: { min: 1, max: 10, standard: undefined },
} as const;
/** Of one call; without it the call has the time of the batch. Seconds. */
export const CALL_TIMEOUT_S = { min: 0.1, max: 300 } as const;
export const TOOL_CHARS_MAX = 256;

export interface BatchCall {
  readonly index: number;
  readonly mcpServer: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly timeoutMs: number;
}

export interface BatchRequest {
  readonly calls: readonly BatchCall[];
  readonly maxConcurrency: number;
  readonly timeoutMs: number;
  readonly isFailFast: boolean;
  readonly maxAttempts: number | undefined;
}

export interface BatchProblem {
  /** Of the call; -1 where it is about the batch. */
  readonly index: number;
  readonly field: string;
  readonly message: string;
}

const BATCH_KEYS = ['calls', 'max_concurrency', 'timeout', 'fail_fast', 'max_attempts'];
const CALL_KEYS = ['mcp_server', 'tool', 'arguments', 'timeout'];
const SERVER_ALIASES = ['mcp_server', 'provider'];
const SERVER_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** What is wrong is told up to here. */
const PROBLEMS_MAX = 200;
/** A problem is told in few words, whatever the client wrote. */
const NAME_CHARS_MAX = 64;

/** The batch with its numbers moved into their ranges, or everything that is wrong with it. */
export function readBatch(given: JsonObject): Result<BatchRequest, readonly BatchProblem[]> {
  const reader = new Reader();
  const timeoutMs = (reader.number(given, 'timeout') ?? 0) * 1_000;
  const request: BatchRequest = {
    calls: reader.calls(given['calls'], timeoutMs),
    maxConcurrency: Math.floor(reader.number(given, 'max_concurrency') ?? 1),
    timeoutMs,
    isFailFast: reader.flag(given, 'fail_fast'),
    maxAttempts: floored(reader.number(given, 'max_attempts')),
  };
  reader.unknown(-1, given, BATCH_KEYS);
  return reader.problems.length === 0 ? ok(request) : err(reader.problems);
}

class Reader {
  readonly problems: BatchProblem[] = [];

  /** The usual value where none is given. */
  number(given: JsonObject, field: keyof typeof BATCH_NUMBERS): number | undefined {
    const { standard, ...range } = BATCH_NUMBERS[field];
    const value = given[field] ?? standard;
    return value === undefined ? undefined : this.#clamped(-1, field, value, range);
  }

  flag(given: JsonObject, field: string): boolean {
    const value = given[field] ?? false;
    if (typeof value !== 'boolean') this.#say(-1, field, 'expected true or false');
    return value === true;
  }

  calls(given: unknown, batchMs: number): readonly BatchCall[] {
    if (!Array.isArray(given)) {
      this.#say(-1, 'calls', given === undefined ? 'missing; expected a list' : 'expected a list');
      return [];
    }
    if (given.length === 0 || given.length > CALLS_MAX) {
      this.#say(-1, 'calls', `expected 1 to ${CALLS_MAX} calls, got ${given.length}`);
      return [];
    }
    return given.map((call: unknown, index) => this.#call(index, call, batchMs));
  }

  unknown(index: number, given: JsonObject, known: readonly string[]): void {
    for (const key of Object.keys(given)) {
      if (known.includes(key)) continue;
      if (this.problems.length >= PROBLEMS_MAX) return;
      const name = key.slice(0, NAME_CHARS_MAX);
      const meant = nearest(name, known);
      const hint =
        meant === undefined ? `expected ${known.join(', ')}` : `did you mean "${meant}"?`;
      this.#say(index, name, `unknown; ${hint}`);
    }
  }

  #call(index: number, given: unknown, batchMs: number): BatchCall {
    const call = isObject(given) ? given : {};
    if (!isObject(given)) this.#say(index, 'call', 'expected an object');
    else this.unknown(index, given, [...CALL_KEYS, 'provider']);
    const { tool, arguments: args, timeout } = call;
    const timeoutS =
      timeout === undefined ? undefined : this.#clamped(index, 'timeout', timeout, CALL_TIMEOUT_S);
    const isNamed = typeof tool === 'string' && tool !== '' && tool.length <= TOOL_CHARS_MAX;
    if (isObject(given)) {
      if (!isNamed) this.#say(index, 'tool', `${missing(tool)}expected the name of a tool`);
      if (!isObject(args)) this.#say(index, 'arguments', `${missing(args)}expected an object`);
    }
    return {
      index,
      mcpServer: isObject(given) ? this.#server(index, given) : '',
      tool: isNamed ? tool : '',
      arguments: isObject(args) ? args : {},
      timeoutMs: timeoutS === undefined ? batchMs : timeoutS * 1_000,
    };
  }

  #server(index: number, call: JsonObject): string {
    const given = SERVER_ALIASES.filter((name) => call[name] !== undefined);
    const [value] = given.map((name) => call[name]);
    if (given.some((name) => call[name] !== value))
      this.#say(index, 'mcp_server', 'given twice, with two values; keep one');
    else if (typeof value !== 'string' || !SERVER_ID.test(value))
      this.#say(index, 'mcp_server', `${missing(value)}expected the id of an MCP server`);
    return typeof value === 'string' ? value : '';
  }

  #clamped(
    index: number,
    field: string,
    value: unknown,
    { min, max }: { readonly min: number; readonly max: number },
  ): number | undefined {
    if (typeof value === 'number') return Math.min(max, Math.max(min, value));
    this.#say(index, field, 'expected a number');
    return undefined;
  }

  #say(index: number, field: string, message: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ index, field, message });
  }
}

const floored = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.floor(value);

const missing = (value: unknown): string => (value === undefined ? 'missing; ' : '');
