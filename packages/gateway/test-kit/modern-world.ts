/** A hub with one scripted server, for requests of modern clients; the test moves its clock and its timers. */
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { utf8Text } from '../src/application/byte-text.ts';
import { Hub } from '../src/application/dispatch/hub.ts';
import { parseAnswer } from '../src/application/calls/ask.ts';
import type { ClientReply, Pending } from '../src/application/calls/reply.ts';
import { handleModern } from '../src/application/sessions/modern-client.ts';
import { clientText } from '../src/domain/protocol/client-message.ts';
import { isObject, type JsonObject, type RpcError } from '../src/domain/protocol/json-rpc.ts';
import { META } from '../src/domain/protocol/revisions.ts';
import { FORGETFUL } from '../src/infrastructure/state/memory-files.ts';
import { MemoryParkedCalls } from '../src/infrastructure/state/memory-parked-calls.ts';
import { AesSealer } from '../src/infrastructure/state/sealer.ts';
import {
  ScriptedLauncher,
  settled,
  SILENT,
  specOf,
  type Hello,
  type ScriptedConnection,
  type SpecPart,
} from './scripted-launcher.ts';

interface Heard {
  readonly messages: JsonObject[];
  result: JsonObject | undefined;
  error: RpcError | undefined;
  dropped: boolean;
  /** More than one is a mistake. */
  answers: number;
}

/** One request as its client sees it. */
export interface Leg extends Readonly<Heard> {
  readonly pending: Pending;
}

export interface ModernOptions {
  readonly principal?: string;
  readonly isOneClient?: boolean;
  readonly capabilities?: JsonObject;
  readonly logLevel?: string;
  readonly method?: string;
  /** At the endpoint of all servers, where the gateway's own tools are. */
  readonly isForAll?: boolean;
  readonly token?: number | string;
}

/** Lists one tool at once, and leaves calls to the test. */
const HELLO: Hello = {
  capabilities: { tools: {}, logging: {} },
  behaviour: (method) => {
    if (method === 'tools/list') return { result: { tools: [{ name: 'work' }] } };
    return method === 'logging/setLevel' ? { result: {} } : undefined;
  },
};
const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const BEGIN_MS = 1_000_000;

export class ModernWorld {
  readonly launcher: ScriptedLauncher;
  readonly hub: Hub;
  readonly sealer = new AesSealer();
  nowMs = BEGIN_MS;
  #nextId = 1;

  constructor(
    options: {
      readonly hello?: Hello;
      readonly spec?: SpecPart;
      readonly parkedCallsMax?: number;
    } = {},
  ) {
    this.launcher = new ScriptedLauncher({ ...HELLO, ...options.hello });
    this.hub = new Hub({
      servers: [specOf({ callTimeoutMs: 60_000, ...options.spec, id: 'up' })],
      launcher: this.launcher,
      clock: { nowMs: () => this.nowMs },
      logger: SILENT,
      random: () => 0.5,
      events: { record: () => undefined },
      callSettled: () => undefined,
      memory: FORGETFUL,
      past: new Map(),
      info: { name: 'mcp-hangar', version: '0' },
      modernMeta: {},
      parkedCalls: new MemoryParkedCalls(options.parkedCallsMax ?? 100),
      sealer: this.sealer,
      leaseWaitMs: 1_000,
      inFlightMax: 100,
      catalog: { firstListWaitMs: 0, ttlMs: 0, startConcurrency: 4 },
      toolAccess: { mode: 'hybrid', gatewayTools: 'both', naming: 'prefixed' },
    });
  }

  /** A request that may be answered later. Every request has an id of its own. */
  send(params: JsonObject, options: ModernOptions = {}): Leg {
    const { method = 'tools/call', capabilities = ASKABLE, logLevel, token } = options;
    const meta = {
      [META.protocolVersion]: '2026-07-28',
      [META.clientCapabilities]: capabilities,
      ...(logLevel === undefined ? {} : { [META.logLevel]: logLevel }),
      ...(token === undefined ? {} : { progressToken: token }),
    };
    const id = this.#nextId++;
    const message = { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } };
    const endpoint = this.hub.fleet.endpoint(options.isForAll === true ? undefined : 'up');
    if (endpoint === undefined) throw new Error('no endpoint');
    const heard: Heard = {
      messages: [],
      result: undefined,
      error: undefined,
      dropped: false,
      answers: 0,
    };
    const pending = handleModern(this.hub, {
      endpoint,
      principal: options.principal ?? 'alice',
      isOneClient: options.isOneClient ?? false,
      request: { kind: 'request', id, method, params: message.params },
      text: clientText(JSON.stringify(message), message),
      envelope: { capabilities, logLevel },
      reply: replyInto(heard),
      header: () => undefined,
    });
    return Object.assign(heard, { pending });
  }

  /** Every call that the servers got, the oldest first. */
  get calls(): readonly { readonly at: ScriptedConnection; readonly line: JsonObject }[] {
    return this.launcher.connections.flatMap((at) =>
      at.lines.filter(({ method }) => method === 'tools/call').map((line) => ({ at, line })),
    );
  }

  /** A call that its server has, with the id that it has there. */
  async called(
    params: JsonObject = CALL,
    options: ModernOptions = {},
  ): Promise<{ readonly leg: Leg; readonly at: ScriptedConnection; readonly id: number }> {
    const before = this.calls.length;
    const leg = this.send(params, options);
    await until(() => this.calls.length > before);
    const { at, line } = newest(this.calls.slice(before));
    return { leg, at, id: Number(line['id']) };
  }

  /** A call whose client was asked, with what it needs to go on. */
  async parked(
    params: JsonObject = CALL,
    options: ModernOptions = {},
  ): Promise<Awaited<ReturnType<ModernWorld['called']>> & { readonly state: string }> {
    const called = await this.called(params, options);
    called.at.says({ id: 'q', method: 'elicitation/create', params: { message: 'Who?' } });
    await until(() => called.leg.result !== undefined);
    return { ...called, state: stateIn(called.leg) };
  }

  /** What the server was answered to the question with this id. */
  answersTo(at: ScriptedConnection, id: unknown): readonly JsonObject[] {
    return at.lines.filter((line) => line['id'] === id && line['method'] === undefined);
  }

  /** Both clocks: what the code reads, and what its timers wait for. */
  async wait(ms: number): Promise<void> {
    this.nowMs += ms;
    await vi.advanceTimersByTimeAsync(ms);
    await settled();
  }
}

/** Makes worlds for the tests of one file, under timers of their own, and closes them after each test. */
export function modernWorlds(): (
  ...options: ConstructorParameters<typeof ModernWorld>
) => ModernWorld {
  let worlds: ModernWorld[] = [];
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(worlds.map(({ hub }) => hub.close()));
    worlds = [];
  });
  return (...options) => {
    const world = new ModernWorld(...options);
    worlds.push(world);
    return world;
  };
}

/** The call that tests make where it does not matter which. */
export const CALL: JsonObject = { name: 'work', arguments: { of: 'alice' } };

export const ACCEPTED: JsonObject = { action: 'accept', content: { name: 'Ada' } };

/** The request once more, with answers. */
export const retryOf = (params: JsonObject, state: string, responses: JsonObject): JsonObject => ({
  ...params,
  requestState: state,
  inputResponses: responses,
});

/** @throws Error where the leg was not answered with questions */
export function stateIn({ result, error }: Leg): string {
  const state = result?.['requestState'];
  if (typeof state !== 'string')
    throw new Error(`no questions: ${JSON.stringify(result ?? error)}`);
  return state;
}

/** The catalogue's name for what a leg was refused with. */
export function codeOf({ error }: Leg): unknown {
  return isObject(error?.data) ? error.data['code'] : error?.code;
}

/** Lets all that is ready go on, and timers with it, until the condition holds. @throws Error where it never does */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 200; turns += 1) {
    if (condition()) return;
    await settled();
    vi.advanceTimersByTime(1);
  }
  throw new Error(`it never held: ${String(condition)}`);
}

function newest<T>(list: readonly T[]): T {
  const last = list.at(-1);
  if (last === undefined) throw new Error('there is none');
  return last;
}

const replyInto = (heard: Heard): ClientReply => ({
  send: (message) => void heard.messages.push(JSON.parse(utf8Text(message)) as JsonObject),
  answer: (answer) => {
    heard.answers += 1;
    const { result, error } = parseAnswer(answer) ?? {};
    if (isObject(result)) heard.result = result;
    else heard.error = error as RpcError;
  },
  result: (result) => {
    heard.answers += 1;
    heard.result = result;
  },
  body: () => undefined,
  refuse: (error) => {
    heard.answers += 1;
    heard.error = error;
  },
  drop: () => {
    heard.dropped = true;
  },
});

/** The questions that a request was answered with, by their keys. */
export const questionsIn = (leg: { readonly result: JsonObject | undefined }): JsonObject =>
  (leg.result?.['inputRequests'] ?? {}) as JsonObject;

/** Whatever happened, nothing of it is left. */
export function expectNothingLeft({ hub }: ModernWorld): void {
  expect(hub.inFlight).toBe(0);
  expect(hub.parking.list()).toEqual([]);
  const children = hub.fleet.servers.flatMap(({ running }) => running);
  expect(children.map(({ inFlight, asking, isParked }) => [inFlight, asking, isParked])).toEqual(
    children.map(() => [0, 0, false]),
  );
}
