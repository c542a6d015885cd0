/** All groups of the gateway: what starts their members and other servers with `auto_start`, and brings back members that left. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { backoffMs } from '../../domain/mcp-server/backoff.ts';
import type { GroupHistory } from '../../domain/group/history.ts';
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { ask, RpcRefusal } from '../calls/ask.ts';
import type { Clock, EventSink, Logger } from '../ports.ts';
import { ANYBODY } from '../servers/anybody.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { ServerGroup, type MemberFacts } from './server-group.ts';

/** How often members that are in trouble are looked after, at most. */
const CARE_MS = 1_000;
const PING_MS_MAX = 5_000;

export interface GroupsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly events: EventSink;
  /** What the log says of each group. */
  readonly past: ReadonlyMap<string, GroupHistory>;
  /** Servers that are started at one time. */
  readonly startConcurrency: number;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
}

interface Trial {
  readonly failures: number;
  readonly nextAtMs: number;
}

export class Groups {
  #all: readonly ServerGroup[] = [];
  #servers: readonly McpServer[] = [];
  readonly #options: GroupsOptions;
  /** Groups that are looked after. */
  readonly #timers = new Map<ServerGroup, NodeJS.Timeout>();
  /** Of members that did not recover yet. */
  readonly #trials = new WeakMap<McpServer, Trial>();
  /** What was started with `auto_start`, once each. */
  readonly #begun = new WeakSet<McpServer>();
  /** What the log says of groups that are not there. */
  readonly #past: Map<string, GroupHistory>;
  #hasBegun = false;
  #isClosed = false;

  /** @param servers what the members may be, those that are switched off left out */
  constructor(specs: readonly GroupSpec[], servers: readonly McpServer[], options: GroupsOptions) {
    this.#options = options;
    this.#past = new Map(options.past);
    this.follow(specs, servers);
  }

  /** In the order of the configuration, without those that are switched off. */
  get all(): readonly ServerGroup[] {
    return this.#all;
  }

  find(id: string): ServerGroup | undefined {
    return this.#all.find(({ spec }) => spec.id === id);
  }

  /**
   * Goes over to another configuration. A group that is the same, with the same servers, stays; others are made anew and
   * know of their members what was known by their ids.
   */
  follow(specs: readonly GroupSpec[], servers: readonly McpServer[]): void {
    this.#servers = servers;
    const before = this.#all;
    const made: ServerGroup[] = [];
    for (const spec of specs.filter(({ enabled }) => enabled)) {
      const known = this.find(spec.id);
      if (known?.isMadeOf(spec, servers) === true) made.push(known);
      else {
        known?.close();
        made.push(this.#newGroup(spec, servers, known));
      }
    }
    const left = new Set<string>(made.map(({ spec }) => spec.id));
    for (const group of before) {
      if (left.has(group.spec.id)) continue;
      group.remove();
      this.#past.set(group.spec.id, group.history);
    }
    this.#all = made;
  }

  #newGroup(
    spec: GroupSpec,
    servers: readonly McpServer[],
    before: ServerGroup | undefined,
  ): ServerGroup {
    const onTrouble = (group: ServerGroup): void => this.#care(group);
    const past = before?.history ?? this.#past.get(spec.id);
    return new ServerGroup(spec, servers, { ...this.#options, past, before, onTrouble });
  }

  /** Starts servers and the members of groups with `auto_start`, in the background. */
  begin(): void {
    this.#hasBegun = true;
    this.resume();
  }

  /** The same for those that came with another configuration; nothing where it has not begun yet. */
  resume(): void {
    if (!this.#hasBegun) return;
    const members = this.all.filter(({ spec }) => spec.autoStart).flatMap((group) => group.members);
    const alone = this.#servers.filter(({ spec }) => spec.autoStart);
    const wanted = new Set([...members, ...alone].filter((server) => !this.#begun.has(server)));
    for (const server of wanted) this.#begun.add(server);
    const next = wanted.values();
    const work = async (): Promise<void> => {
      // What cannot be started is known to its group, or to recovery, by then.
      for (const server of next) await this.#start(server).catch(() => undefined);
    };
    for (let lane = 0; lane < this.#options.startConcurrency; lane += 1) void work();
    for (const group of this.#all) if (group.hasTrouble) this.#care(group);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const group of this.all) group.close();
  }

  #care(group: ServerGroup): void {
    if (this.#isClosed || this.#timers.has(group)) return;
    const timer = setTimeout(() => {
      void this.#lookAfter(group).finally(() => {
        this.#timers.delete(group);
        if (group.hasTrouble && this.#all.includes(group)) this.#care(group);
      });
    }, CARE_MS);
    timer.unref();
    this.#timers.set(group, timer);
  }

  async #lookAfter(group: ServerGroup): Promise<void> {
    if (!this.#all.includes(group)) return; // another one has its place
    const wanted = group.inTrouble.filter((member) => this.#isDue(group, member));
    await Promise.all(wanted.map(({ server }) => this.#try(group, server)));
  }

  #isDue({ spec }: ServerGroup, { server }: MemberFacts): boolean {
    // Without `auto_start` nothing is started for a member: the next call tries it.
    const mayTry = server.isRunning || spec.autoStart;
    const { nextAtMs = 0 } = this.#trials.get(server) ?? {};
    return mayTry && server.retryInMs === 0 && this.#options.clock.nowMs() >= nextAtMs;
  }

  async #try(group: ServerGroup, server: McpServer): Promise<void> {
    const { random, clock, logger } = this.#options;
    try {
      await this.#start(server);
      this.#trials.delete(server);
      if (!this.#isClosed && this.#all.includes(group)) group.recovered(server);
    } catch (error) {
      const failures = (this.#trials.get(server)?.failures ?? 0) + 1;
      const nextAtMs = clock.nowMs() + backoffMs(failures, random());
      this.#trials.set(server, { failures, nextAtMs });
      if (!(error instanceof Fault)) logger.error({ error: stackOf(error) }, 'defect_in_group');
    }
  }

  /** Resolves when the server has answered something. @throws Fault */
  async #start(server: McpServer): Promise<void> {
    const child = await server.take(ANYBODY);
    let hasAnswered = false;
    try {
      const { seat, connection } = child;
      const limits = { timeoutMs: PING_MS_MAX };
      if (seat.era === 'legacy') await ask(connection, 'ping', {}, limits);
      else await ask(connection, 'server/discover', this.#options.modernMeta, limits);
      hasAnswered = true;
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error; // one that refuses is alive
    } finally {
      child.end(this.#options.clock.nowMs(), hasAnswered);
    }
  }
}
