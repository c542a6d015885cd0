/**
 * One run of the isolation property: some servers, some clients, a random script of what each of them does next,
 * and at its end the clock is turned until everything that waits has had its deadline.
 */
import { vi } from 'vitest';
import { compose, type Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import { openRecords } from '../../packages/gateway/src/bootstrap/records.ts';
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import type { GatewayConfig } from '../../packages/gateway/src/bootstrap/config/gateway-config.ts';
import type { Endpoint } from '../../packages/gateway/src/application/catalog/views.ts';
import { capabilityKey } from '../../packages/gateway/src/domain/protocol/capabilities.ts';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import type { Era } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { ownerText, Violations, type Canary, type Tally } from './canary.ts';
import { LegacyTestClient } from './legacy-client.ts';
import { memoryLauncher } from './memory-launcher.ts';
import { ModernTestClient } from './modern-client.ts';
import { ScriptedChild, type ChildWitness, type ReceivedCall } from './scripted-child.ts';
import type { ClientWorld, TestRequest } from './test-client.ts';

type Sharing = 'auto' | 'shared' | 'session';
type Client = LegacyTestClient | ModernTestClient;

const MODES: readonly (readonly [Era, Sharing])[] = [
  ['legacy', 'auto'],
  ['modern', 'auto'],
  ['legacy', 'session'],
  ['legacy', 'shared'],
  ['modern', 'session'],
  ['modern', 'shared'],
];
const CAPABILITIES: readonly JsonObject[] = [
  {},
  { sampling: {}, elicitation: {}, roots: {} },
  { sampling: {} },
  { roots: { listChanged: true }, elicitation: {} },
];
/** Together longer than every timeout of the gateway, the answer of a person to a question included. */
const LAST_WAITS_MS = [6_000, 6_000, 60_000, 600_000, 6_000, 6_000, 600_000, 60_000];
const CALL_TIMEOUT_MS = 5_000;

const configOf = (ids: readonly string[], sharing: (id: string) => Sharing): GatewayConfig => {
  const servers = ids.map(
    (id) =>
      `  ${id}: { command: [none], sharing: ${sharing(id)}, leased_children_max: 2, call_timeout_s: ${CALL_TIMEOUT_MS / 1_000}, idle_ttl_s: 60 }`,
  );
  const text = `mcp_servers:\n${servers.join('\n')}\n`;
  const loaded = loadGatewayConfig({ text, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
};
const IDS = MODES.map(([era, sharing]) => `${era}-${sharing}`);
const CONFIG = configOf(IDS, (id) => (id.split('-')[1] ?? 'auto') as Sharing);

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One thing that happens next: what, and two numbers that choose where. */
export type Step = readonly [what: number, a: number, b: number];

export interface Scene {
  /** Which of the modes have a server; at least one. */
  readonly servers: readonly number[];
  /** Era, capabilities, endpoint and log wish of each client, as one number. */
  readonly clients: readonly number[];
  readonly steps: readonly Step[];
  /** Whether the servers answer what is left at the end, or leave it to the timeouts. */
  readonly servedToTheEnd: boolean;
}

const BEGIN_MS = 1_000_000;
/** One log for all worlds: what is in it is not what is tested here. */
const RECORDS = await openRecords({
  config: CONFIG,
  state: { kind: 'unavailable', reason: 'not needed', isExplicit: false },
  clock: { nowMs: () => BEGIN_MS },
  logger: QUIET,
});

const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % list.length];

export class World implements ClientWorld, ChildWitness {
  readonly violations = new Violations();
  readonly tally: Tally;
  readonly #gateway: Gateway;
  readonly #clients: Client[];
  readonly #children: ScriptedChild[] = [];
  readonly #ids: readonly string[];
  /** Calls of which a server was told that they are cancelled, though their clients had not said so. */
  readonly #cancelled = new Set<TestRequest>();
  #nowMs = BEGIN_MS;
  #activity = 0;

  static async open(scene: Scene, tally: Tally): Promise<World> {
    const ids = [...new Set(scene.servers.map((mode) => pick(IDS, mode) ?? 'legacy-auto'))];
    const servers = CONFIG.servers.filter(({ id }) => ids.includes(id));
    let world: World | undefined;
    const gateway = await compose(
      { ...CONFIG, servers, limits: { ...CONFIG.limits, leaseWaitMs: 2_000 } },
      {
        logger: QUIET,
        records: RECORDS,
        clock: { nowMs: () => world?.nowMs() ?? BEGIN_MS },
        random: () => 0.5,
        launcher: memoryLauncher((spec) => {
          if (world === undefined) throw new Error('nothing starts before somebody calls');
          return world.#start(spec.id);
        }),
      },
    );
    world = new World(scene, { tally, gateway, ids });
    return world;
  }

  private constructor(
    scene: Scene,
    parts: { readonly tally: Tally; readonly gateway: Gateway; readonly ids: readonly string[] },
  ) {
    this.tally = parts.tally;
    this.#gateway = parts.gateway;
    this.#ids = parts.ids;
    this.#clients = scene.clients.map((choice, number) => this.#client(choice, number));
  }

  get hub(): Gateway['hub'] {
    return this.#gateway.hub;
  }

  readonly nowMs = (): number => this.#nowMs;

  readonly canonical = capabilityKey;

  active(): void {
    this.#activity += 1;
  }

  declared({ client }: Canary): string {
    return capabilityKey(this.#clients[client]?.options.capabilities ?? {});
  }

  readonly isLegacy = ({ client }: Canary): boolean => this.#clients[client]?.era === 'legacy';

  answered(canary: Canary): void {
    const request = this.#request(canary);
    if (request !== undefined && !request.isGivenUp && request.outcome === undefined)
      request.isOwed = true;
  }

  cancelled(canary: Canary): void {
    const request = this.#request(canary);
    if (request !== undefined && !request.isGivenUp) this.#cancelled.add(request);
  }

  async run(scene: Scene): Promise<void> {
    for (const [what, a, b] of scene.steps) {
      await this.#step(what, a, b);
      for (let turns = (a + b) % 3; turns > 0; turns -= 1) await turn();
    }
    await this.#finish(scene.servedToTheEnd);
  }

  async #step(what: number, a: number, b: number): Promise<void> {
    const client = pick(this.#clients, a);
    const serverId = pick(this.#ids, b) ?? '';
    const child = pick(
      this.#children.filter(({ running }) => running),
      a,
    );
    const call = child === undefined ? undefined : this.#latest(child, b);
    const legacy = client?.era === 'legacy' ? client : undefined;
    switch (WHAT[what % WHAT.length] ?? 'drain') {
      case 'call':
        return client?.call(serverId, b % 2 === 0);
      case 'answer':
        if (call !== undefined) child?.answer(call, KINDS[(a + b) % KINDS.length] ?? 'result');
        return;
      case 'progress':
        return call && child?.progress(call);
      case 'log':
        return call && child?.log(call);
      case 'ask':
        return call && child?.ask(call, ASKINGS[(a + b) % ASKINGS.length] ?? 'roots');
      case 'take back':
        return child?.takeBack();
      case 'update':
        return child?.updated(`res://${child.options.serverId}/1`);
      case 'crash':
        return child?.crash();
      case 'cancel':
        return client && pick(client.waiting, b)?.cancel();
      case 'leave':
        return client?.leave();
      case 'reply':
        return legacy?.answer(b);
      case 'reply to another':
        return this.#replyToAnother(client, b);
      case 'progress on question':
        return legacy?.progressOnQuestion(b);
      case 'subscribe':
        return client?.subscribe(serverId);
      case 'unsubscribe':
        return client?.unsubscribe(serverId);
      case 'list':
        return client?.list();
      case 'set level':
        return legacy?.setLevel();
      case 'drain':
        return this.#drain();
      case 'wait':
        return this.#wait(b % 4 === 0 ? CALL_TIMEOUT_MS + 1 : 500);
    }
  }

  /** Answers with an id that somebody else is being asked under. */
  #replyToAnother(client: Client | undefined, at: number): void {
    const ids = this.#clients.flatMap((other) =>
      other.era === 'legacy' && other !== client ? other.questions.map(({ id }) => id) : [],
    );
    const id = pick(ids, at);
    if (client?.era !== 'legacy' || id === undefined) return;
    const own = client.questions.findIndex((question) => question.id === id);
    if (own === -1) client.answerId(id);
    else client.answer(own);
  }

  #latest(child: ScriptedChild, at: number): ReceivedCall | undefined {
    return child.calls[
      child.calls.length - 1 - (at % Math.max(1, Math.min(4, child.calls.length)))
    ];
  }

  #request({ client, request }: Canary): TestRequest | undefined {
    return this.#clients[client]?.requests[request];
  }

  #start(serverId: string): ScriptedChild {
    const [era, sharing] = MODES[IDS.indexOf(serverId)] ?? ['legacy', 'auto'];
    const number = this.#children.length;
    const child = new ScriptedChild({ serverId, number, era, sharing, witness: this });
    this.#children.push(child);
    return child;
  }

  #client(choice: number, number: number): Client {
    const server = pick(this.#ids, choice >> 6);
    const endpoint: Endpoint | undefined = this.hub.endpoint(choice & 8 ? undefined : server);
    if (endpoint === undefined) throw new Error('no endpoint');
    const capabilities = CAPABILITIES[(choice >> 1) & 3] ?? {};
    const wantsLogs = (choice & 48) === 0;
    // A client of one server that asks for another's tool only learns that there is none.
    const options = { number, endpoint, capabilities, wantsLogs };
    return choice & 1 ? new ModernTestClient(options, this) : new LegacyTestClient(options, this);
  }

  /** Until no line and no message has moved for some turns. */
  async #drain(): Promise<void> {
    for (let seen = -1; seen !== this.#activity;) {
      seen = this.#activity;
      for (let turns = 0; turns < 4; turns += 1) await turn();
    }
  }

  async #wait(ms: number): Promise<void> {
    await this.#drain();
    this.#nowMs += ms;
    vi.advanceTimersByTime(ms);
    await this.#drain();
  }

  async #finish(served: boolean): Promise<void> {
    await this.#drain();
    for (let round = 0; served && round < 3; round += 1) {
      for (const child of this.#children)
        for (const call of child.calls) if (call.state === 'open') child.answer(call, 'result');
      await this.#drain();
    }
    const streams = this.#clients.flatMap(({ waiting }) =>
      waiting.filter(({ method }) => method === 'subscriptions/listen'),
    );
    for (const stream of streams) stream.cancel();
    for (const ms of LAST_WAITS_MS) if (this.#isWaiting()) await this.#wait(ms);
    this.#checkSettled();
    for (const client of this.#clients) if (client.era === 'legacy') client.end();
    const closing = this.#gateway.close();
    await this.#drain();
    await closing;
    if (this.#children.some(({ running }) => running))
      this.violations.add('a child outlived the gateway');
    this.violations.check();
  }

  #isWaiting(): boolean {
    const calls = this.#clients.some(({ waiting }) => waiting.some((call) => !call.isGivenUp));
    const isBusy = this.hub.servers.some(({ running }) =>
      running.some(({ asking, inFlight }) => asking > 0 || inFlight > 0),
    );
    return calls || isBusy;
  }

  #checkSettled(): void {
    for (const request of this.#clients.flatMap(({ requests }) => requests)) {
      const who = `${ownerText(request.canary)} ${request.method} ${request.canary.request}`;
      if (request.outcome === undefined && !request.isGivenUp)
        this.violations.add(`${who} was never answered`);
      const isOwn = request.text.includes('K') || request.text.includes('"ERA_BRIDGE_NEEDED"');
      if (request.isOwed && !request.isGivenUp && !isOwn)
        this.violations.add(`${who} was answered by its server and got ${request.text}`);
    }
    // Nobody's call is cancelled for somebody else: only its own time may be up.
    for (const { text, canary } of this.#cancelled)
      if (!text.includes('call_timeout_s'))
        this.violations.add(`the call of ${ownerText(canary)} was cancelled and ended: ${text}`);
    if (this.hub.inFlight !== 0) this.violations.add(`${this.hub.inFlight} calls are left over`);
    for (const child of this.hub.servers.flatMap(({ running }) => running)) {
      if (child.inFlight !== 0 || child.asking !== 0)
        this.violations.add(`a child has ${child.inFlight} calls, ${child.asking} questions left`);
    }
  }
}

const KINDS = ['result', 'result', 'error', 'input_required'] as const;
const ASKINGS = ['sampling', 'elicitation', 'roots'] as const;
/** How often each thing happens, against the others. */
const WEIGHTS = {
  call: 6,
  answer: 4,
  progress: 2,
  log: 3,
  ask: 3,
  reply: 3,
  'reply to another': 1,
  cancel: 2,
  leave: 1,
  crash: 1,
  subscribe: 2,
  unsubscribe: 1,
  update: 2,
  list: 1,
  'set level': 1,
  drain: 1,
  wait: 1,
  'take back': 1,
  'progress on question': 1,
} as const;
const WHAT = Object.entries(WEIGHTS).flatMap(([what, weight]) =>
  Array.from({ length: weight }, () => what as keyof typeof WEIGHTS),
);
