/** All groups of the gateway: what starts their members and other servers with `auto_start`, and brings back members that left. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { atMost } from '../at-most.ts';
import { backoffMs } from '../../domain/mcp-server/backoff.ts';
import { groupStream } from '../../domain/group/events.ts';
import { NO_HISTORY, type GroupHistory } from '../../domain/group/history.ts';
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { PendingStep } from '../../domain/processes/pending-step.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { RunningProcess } from '../processes/process-runner.ts';
import { absentMember, openCircuit } from './pending-rebalance.ts';
import { Probe } from '../health/probe.ts';
import type { Clock, EventSink, Logger } from '../ports.ts';
import { ANYBODY } from '../servers/anybody.ts';
import type { Child } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { ServerGroup, type MemberFacts } from './server-group.ts';

/** How often members that are in trouble are looked after, at most. */
const CARE_MS = 1_000;

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
  /** That members come back is a process: what is durable of it stands in the streams of the groups. */
  readonly process: RunningProcess = {
    // Groups hear of their members by themselves, and at once: the next call is balanced by it.
    heard: () => undefined,
    resume: () => this.resume(),
    adopt: () => undefined, // each gateway has members of its own
    follow: () => this.resume(),
    pending: () => this.pending(),
    close: () => this.close(),
  };
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
    for (const [id, { strategy }] of this.#past) {
      if (strategy === undefined || this.find(id) !== undefined) continue;
      // It was taken out while no gateway ran.
      const gone = { type: 'GroupDeleted', data: { group_id: id } } as const;
      this.#options.events.record(groupStream(id), gone);
      this.#past.set(id, NO_HISTORY);
    }
    this.resume();
  }

  /** The same for those that came with another configuration; nothing where it has not begun yet. */
  resume(): void {
    if (!this.#hasBegun) return;
    const members = this.all.filter(({ spec }) => spec.autoStart).flatMap((group) => group.members);
    const alone = this.#servers.filter(({ spec }) => spec.autoStart);
    const wanted = new Set([...members, ...alone].filter((server) => !this.#begun.has(server)));
    for (const server of wanted) this.#begun.add(server);
    // What cannot be started is known to its group, or to recovery, by then.
    void atMost(this.#options.startConcurrency, wanted, async (server) => {
      await this.#answering(server);
    });
    for (const group of this.#all) if (group.hasTrouble) this.#care(group);
  }

  /** Members that are out, and circuits that are open. */
  pending(): readonly PendingStep[] {
    return this.#all.flatMap((group) => [
      ...group.inTrouble
        .filter(({ inRotation }) => !inRotation)
        .map((member) => this.#absent(group, member)),
      ...(group.retryAtMs === undefined ? [] : [openCircuit(group.spec.id, group.retryAtMs)]),
    ]);
  }

  #absent({ spec, history }: ServerGroup, { server }: MemberFacts): PendingStep {
    const { id } = server.spec;
    const nextAtMs = this.#trials.get(server)?.nextAtMs ?? 0;
    const dueAtMs = Math.max(nextAtMs, this.#options.clock.nowMs() + server.retryInMs);
    return absentMember({
      groupId: spec.id,
      memberId: id,
      reason: history.out.get(id) ?? '',
      dueAtMs: mayBeTried(spec, server) ? dueAtMs : undefined,
    });
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
    const { nextAtMs = 0 } = this.#trials.get(server) ?? {};
    return (
      mayBeTried(spec, server) && server.retryInMs === 0 && this.#options.clock.nowMs() >= nextAtMs
    );
  }

  async #try(group: ServerGroup, server: McpServer): Promise<void> {
    const { random, clock } = this.#options;
    const before = new Set(server.running);
    const child = await this.#answering(server);
    if (child !== undefined) {
      this.#trials.delete(server);
      // A start has told the group by itself: with its probe it is one success.
      const isTold = !before.has(child);
      if (!isTold && !this.#isClosed && this.#all.includes(group)) group.recovered(server);
      return;
    }
    const failures = (this.#trials.get(server)?.failures ?? 0) + 1;
    const nextAtMs = clock.nowMs() + backoffMs(failures, random());
    this.#trials.set(server, { failures, nextAtMs });
  }

  /** A child that answers, started where none runs; undefined where there is none. Its groups know of a start by then. */
  async #answering(server: McpServer): Promise<Child | undefined> {
    const { clock, logger } = this.#options;
    try {
      const child = await server.take(ANYBODY);
      const { kind } = await new Probe(server.spec.id, this.#options).ask(child);
      child.end(clock.nowMs(), kind === 'passed');
      return kind === 'passed' ? child : undefined;
    } catch (error) {
      if (!(error instanceof Fault)) logger.error({ error: stackOf(error) }, 'defect_in_group');
      return undefined;
    }
  }
}

/** Without `auto_start` nothing is started for a member: the next call tries it. */
const mayBeTried = ({ autoStart }: GroupSpec, { isRunning }: McpServer): boolean =>
  isRunning || autoStart;
