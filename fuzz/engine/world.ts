/** A whole gateway in this process, with a server of each era in memory that answers at once. */
import { eventIds } from '@mcp-hangar/eventing/event-id';
import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import { EventRecorder } from '../../packages/gateway/src/application/recording/event-recorder.ts';
import type { Records } from '../../packages/gateway/src/bootstrap/records.ts';
import { FORGETFUL } from '../../packages/gateway/src/infrastructure/state/memory-files.ts';
import { compose, type Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import type { Logger, UpstreamLauncher } from '../../packages/gateway/src/application/ports.ts';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import {
  ScriptedLauncher,
  type Behaviour,
} from '../../packages/gateway/test-kit/scripted-launcher.ts';
import { Broken } from './target.ts';

const CONFIG = `
mcp_servers:
  s: { command: [none], call_timeout_s: 1, era: legacy }
  m: { command: [none], call_timeout_s: 1, era: modern }
http: { port: 0 }
limits:
  body_bytes_max: 70000
  json_depth_max: 1024
  sessions_max: 500
  streams_max: 16
  parked_calls_max: 16
  shutdown_grace_s: 0
catalog: { first_list_wait_ms: 1000 }
`;

const TOOLS = [
  {
    name: 'work',
    inputSchema: { type: 'object', properties: { r: { type: 'string', 'x-mcp-header': 'R' } } },
  },
  { name: 'again', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } },
  { name: 'ask', inputSchema: { type: 'object' } },
];
const QUESTION = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const LISTS: Readonly<Record<string, JsonObject>> = {
  'tools/list': { tools: TOOLS },
  'prompts/list': { prompts: [{ name: 'p' }] },
  'resources/list': { resources: [{ name: 'a', uri: 'x://a' }] },
  'resources/templates/list': { resourceTemplates: [{ name: 't', uriTemplate: 'x://t/{id}' }] },
};
const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: {},
  resources: { subscribe: true },
  logging: {},
  completions: {},
};

const EVENTS_MAX = 500;

export class World {
  readonly gateway: Gateway;
  readonly #launchers: readonly ScriptedLauncher[];
  readonly #defects: string[];

  static async open(configuration = CONFIG): Promise<World> {
    const loaded = loadGatewayConfig({ text: configuration, env: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    const ask = (): void => {
      queueMicrotask(() => {
        legacy.alive.at(-1)?.says({ id: 'q', method: 'elicitation/create', params: QUESTION });
      });
    };
    const legacy = new ScriptedLauncher({
      era: 'legacy',
      capabilities: CAPABILITIES,
      behaviour: legacyServer(ask),
    });
    const modern = new ScriptedLauncher({
      era: 'modern',
      capabilities: CAPABILITIES,
      behaviour: modernServer,
    });
    const launcher: UpstreamLauncher = {
      start: (spec, options) => (spec.id === 'm' ? modern : legacy).start(spec, options),
    };
    const defects: string[] = [];
    const logger: Logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (fields, event) => {
        if (defects.length < 10) defects.push(`${event} ${String(fields['error'])}`);
      },
    };
    const records = recordsOf(logger);
    const gateway = await compose(loaded.value, { logger, launcher, records, env: {} });
    return new World(gateway, [legacy, modern], defects);
  }

  private constructor(gateway: Gateway, launchers: readonly ScriptedLauncher[], defects: string[]) {
    this.gateway = gateway;
    this.#launchers = launchers;
    this.#defects = defects;
  }

  /** Forgets what the servers have kept for tests. @throws Broken where the gateway logged an error */
  check(): void {
    for (const launcher of this.#launchers) {
      launcher.asked.length = 0;
      const dead = launcher.connections.filter(({ isAlive }) => !isAlive);
      for (const one of dead) launcher.connections.splice(launcher.connections.indexOf(one), 1);
      for (const { lines, cancelled, closed } of launcher.connections)
        for (const kept of [lines, cancelled, closed]) kept.length = 0;
    }
    const [defect] = this.#defects.splice(0);
    if (defect === undefined) return;
    const broken = new Broken('the gateway logged a defect');
    // Where it came from tells one defect from another.
    broken.stack = `Broken: ${defect}`;
    throw broken;
  }

  close(): Promise<void> {
    return this.gateway.close();
  }
}

const CLOCK = { nowMs: () => Date.now() };

/** An event log in memory that is soon full: one that grows for minutes would look like a leak. */
function recordsOf(logger: Logger): Records {
  const store = new MemoryEventStore({ eventsMax: EVENTS_MAX });
  const recorder = new EventRecorder({
    store,
    clock: CLOCK,
    logger,
    producedBy: 'fuzz',
    newId: eventIds(CLOCK),
    callsMax: EVENTS_MAX,
  });
  return {
    recorder,
    store,
    memory: FORGETFUL,
    past: new Map(),
    groupPast: new Map(),
    presence: undefined,
    problem: () => undefined,
    [Symbol.asyncDispose]: () => recorder[Symbol.asyncDispose](),
  };
}

const echo = (params: JsonObject): JsonObject => ({
  content: [{ type: 'text', text: JSON.stringify(params['arguments'] ?? null).slice(0, 1_000) }],
});

function legacyServer(ask: () => void): Behaviour {
  return (method, params) => {
    const list = LISTS[method];
    if (list !== undefined) return { result: list };
    if (method === 'resources/read') return { error: { code: -32_002, message: 'no such thing' } };
    if (method !== 'tools/call') return { result: {} };
    if (params['name'] === 'ask') {
      ask();
      return undefined;
    }
    return { result: echo(params) };
  };
}

const modernServer: Behaviour = (method, params) => {
  const result = { resultType: 'complete', _meta: {} };
  const list = LISTS[method];
  if (list !== undefined)
    return { result: { ...result, ...list, ttlMs: 0, cacheScope: 'private' } };
  if (method === 'subscriptions/listen') return undefined;
  if (method !== 'tools/call') return { result };
  if (params['name'] === 'again')
    return { result: { ...result, content: [], structuredContent: [1] } };
  if (params['name'] === 'ask' && params['requestState'] === undefined)
    return {
      result: {
        resultType: 'input_required',
        inputRequests: {
          q: { method: 'elicitation/create', params: { mode: 'form', ...QUESTION } },
        },
        requestState: 'r',
      },
    };
  return { result: { ...result, ...echo(params) } };
};
