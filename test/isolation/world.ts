/**
 * One run of the isolation property: some servers, some clients, a random script of what each of them does next,
 * and at its end the clock is turned until everything that waits has had its deadline.
 */
import { vi } from 'vitest';
import { compose, type Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import { openRecords } from '../../packages/gateway/src/bootstrap/records.ts';
import { capabilityKey } from '../../packages/gateway/src/domain/protocol/capabilities.ts';
import { LEG_MS_MAX } from '../../packages/gateway/src/domain/protocol/input-rounds.ts';
import { ownerText, Violations, type Canary, type Tally } from './canary.ts';
import { LegacyTestClient } from './legacy-client.ts';
import { memoryLauncher } from './memory-launcher.ts';
import { ModernTestClient } from './modern-client.ts';
import { Oracle, type Client } from './oracle.ts';
import {
  ANSWERINGS,
  ASKINGS,
  CALL_TIMEOUT_MS,
  clientChoice,
  CONFIG,
  IDS,
  KINDS,
  MODES,
  pick,
  WHAT,
  type Scene,
  type What,
} from './scene.ts';
import {
  ScriptedChild,
  type ChildWitness,
  type IssuedRound,
  type ReceivedCall,
} from './scripted-child.ts';
import type { ClientWorld } from './test-client.ts';

/** Together longer than every timeout of the gateway, the answer of a person to a question included. */
const LAST_WAITS_MS = [12_000, 12_000, 60_000, 600_000, 12_000, 12_000, 600_000, 60_000];
/** Longer than the gateway gathers questions for one round, or puts off asking a server again. */
const MOMENT_MS = 300;
const BEGIN_MS = 1_000_000;
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One log for all worlds: what is in it is not what is tested here. */
const RECORDS = await openRecords({
  config: CONFIG,
  state: { kind: 'unavailable', reason: 'not needed', isExplicit: false },
  clock: { nowMs: () => BEGIN_MS },
  logger: QUIET,
});

/** What one client can do. */
type Acts = Readonly<Partial<Record<What, () => unknown>>>;

export class World implements ClientWorld, ChildWitness {
  readonly violations = new Violations();
  readonly rounds = new Map<string, IssuedRound>();
  readonly tally: Tally;
  readonly clients: readonly Client[];
  readonly children: ScriptedChild[] = [];
  readonly #gateway: Gateway;
  readonly #ids: readonly string[];
  readonly #oracle = new Oracle(this);
  readonly #beganAtMs = performance.now();
  #activity = 0;

  static async open(scene: Scene, tally: Tally): Promise<World> {
    const ids = [...new Set(scene.servers.map((mode) => pick(IDS, mode) ?? 'legacy-auto'))];
    const { leasedChildrenMax } = scene;
    const servers = CONFIG.servers
      .filter(({ id }) => ids.includes(id))
      .map((spec) => ({ ...spec, leasedChildrenMax }));
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
    this.clients = scene.clients.map((bits, number) => this.#client(bits, number));
  }

  get hub(): Gateway['hub'] {
    return this.#gateway.hub;
  }

  /** It goes with the timers, which the world turns. */
  readonly nowMs = (): number => BEGIN_MS + performance.now() - this.#beganAtMs;

  readonly canonical = capabilityKey;

  active(): void {
    this.#activity += 1;
  }

  declared({ client }: Canary): string {
    return capabilityKey(this.clients[client]?.options.capabilities ?? {});
  }

  readonly isLegacy = ({ client }: Canary): boolean => this.clients[client]?.era === 'legacy';
  readonly principal = (canary: Canary): string => {
    const client = this.clients[canary.client];
    const isShared = client?.era === 'modern' && !client.options.isOneClient;
    return isShared ? 'anonymous' : ownerText(canary);
  };
  readonly answered = (canary: Canary): void => this.#oracle.answered(canary);
  readonly cancelled = (canary: Canary, child: ScriptedChild): void =>
    this.#oracle.cancelled(canary, child);
  readonly isLost = (canary: Canary): boolean => this.#oracle.isLost(canary);

  async run(scene: Scene): Promise<void> {
    for (const [what, a, b] of scene.steps) {
      await this.#step(what, a, b);
      for (let turns = (a + b) % 3; turns > 0; turns -= 1) await turn();
    }
    await this.#finish(scene.servedToTheEnd);
  }

  async #step(number: number, a: number, b: number): Promise<void> {
    const what = pick(WHAT, number) ?? 'moment';
    const client = pick(this.clients, a);
    if (client !== undefined) this.#actsOf(client, b)[what]?.();
    this.#byServer(what, a, b);
    if (what === 'moment') await this.#wait(MOMENT_MS);
    if (what === 'wait') await this.#wait(waitMs(b));
  }

  #actsOf(client: Client, b: number): Acts {
    const ofItsEra =
      client.era === 'legacy' ? this.#legacyActs(client, b) : this.#modernActs(client, b);
    const serverId = pick(this.#ids, b) ?? '';
    return {
      ...ofItsEra,
      call: () => client.call(serverId, b % 2 === 0),
      cancel: () => pick(client.waiting, b)?.cancel(),
      leave: () => client.leave(),
      subscribe: () => client.subscribe(serverId),
      unsubscribe: () => client.unsubscribe(serverId),
      list: () => client.list(),
    };
  }

  #legacyActs(client: LegacyTestClient, b: number): Acts {
    return {
      reply: () => client.answer(b),
      'reply to another': () => this.#replyToAnother(client, b),
      'progress on question': () => client.progressOnQuestion(b),
      'set level': () => client.setLevel(),
    };
  }

  #modernActs(client: ModernTestClient, b: number): Acts {
    const other = pick(this.clients, b);
    return {
      reply: () => client.reply(b, pick(ANSWERINGS, b) ?? 'all'),
      replay: () => client.replay(b),
      misdirect: () => client.misdirect(b),
      steal: () => other?.era === 'modern' && client.steal(other, b),
      tamper: () => client.tamper(b),
      'cancel late': () => client.cancelLate(b),
    };
  }

  #byServer(what: What, a: number, b: number): void {
    const child = pick(
      this.children.filter(({ running }) => running),
      a,
    );
    const call = child === undefined ? undefined : latest(child, b);
    if (child === undefined) return;
    if (what === 'take back') child.takeBack();
    else if (what === 'update') child.updated(`res://${child.options.serverId}/1`);
    else if (what === 'crash') {
      this.#oracle.crashes(child);
      child.crash();
    }
    if (call === undefined) return;
    if (what === 'answer') child.answer(call, pick(KINDS, a + b) ?? 'result', b);
    else if (what === 'progress') child.progress(call);
    else if (what === 'log') child.log(call);
    else if (what === 'ask') child.ask(call, pick(ASKINGS, a + b) ?? 'roots');
  }

  /** Answers with an id that somebody else is being asked under. */
  #replyToAnother(client: LegacyTestClient, at: number): void {
    const ids = this.clients.flatMap((other) =>
      other.era === 'legacy' && other !== client ? other.questions.map(({ id }) => id) : [],
    );
    const id = pick(ids, at);
    if (id === undefined) return;
    const own = client.questions.findIndex((question) => question.id === id);
    if (own === -1) client.answerId(id, 'nothing');
    else client.answer(own);
  }

  #start(serverId: string): ScriptedChild {
    const [era, sharing] = MODES[IDS.indexOf(serverId)] ?? ['legacy', 'auto'];
    const number = this.children.length;
    const child = new ScriptedChild({ serverId, number, era, sharing, witness: this });
    this.children.push(child);
    return child;
  }

  #client(bits: number, number: number): Client {
    const { isModern, isOnAll, server, ...choice } = clientChoice(bits);
    const endpoint = this.hub.fleet.endpoint(isOnAll ? undefined : pick(this.#ids, server));
    if (endpoint === undefined) throw new Error('no endpoint');
    // A client of one server that asks for another's tool only learns that there is none.
    const options = { ...choice, number, endpoint };
    return isModern ? new ModernTestClient(options, this) : new LegacyTestClient(options, this);
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
    vi.advanceTimersByTime(ms);
    await this.#drain();
  }

  async #finish(served: boolean): Promise<void> {
    await this.#wait(MOMENT_MS);
    for (let round = 0; served && round < 3; round += 1) await this.#serveAll();
    const streams = this.clients.flatMap(({ waiting }) =>
      waiting.filter(({ method }) => method === 'subscriptions/listen'),
    );
    for (const stream of streams) stream.cancel();
    for (const ms of LAST_WAITS_MS) if (this.#oracle.isWaiting()) await this.#wait(ms);
    this.#oracle.checkSettled();
    for (const client of this.clients) if (client.era === 'legacy') client.end();
    const closing = this.#gateway.close();
    await this.#drain();
    await closing;
    if (this.children.some(({ running }) => running))
      this.violations.add('a child outlived the gateway');
    this.violations.check();
  }

  /** Clients answer what they are asked, then servers what they have. */
  async #serveAll(): Promise<void> {
    for (const client of this.clients) {
      if (client.era === 'modern') for (const _ of client.open) client.reply(0, 'all');
      else while (client.questions.length > 0) client.answer(0);
    }
    await this.#drain();
    for (const child of this.children)
      for (const call of child.calls) if (call.state === 'open') child.answer(call, 'result');
    await this.#wait(MOMENT_MS);
  }
}

/** Mostly a moment; now and then as long as a server may take, or a person. */
function waitMs(choice: number): number {
  if (choice % 8 === 1) return LEG_MS_MAX + 1;
  return choice % 4 === 0 ? CALL_TIMEOUT_MS + 1 : 500;
}

/** One of the last calls of a child. */
function latest({ calls }: ScriptedChild, at: number): ReceivedCall | undefined {
  return pick(calls.slice(-4).toReversed(), at);
}
