/**
 * The servers of one configuration take the place of those of the one before: all in one turn of the event loop, so
 * that no request sees a part of it.
 *
 * Invariants
 * 1. Only what the configuration brought is compared, replaced or removed.
 * 2. A server that has not changed is not touched: its children, sessions, catalogue, counters and back-off stay. Nor is a
 *    group: its rotation, circuit and bonds stay.
 * 3. What goes ends what it has at hand, within a limit; whoever still holds it is sent to what took its place.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import {
  compareGenerations,
  type Generation,
  type GenerationDiff,
  type Step,
} from '../../domain/mcp-server/generations.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { ServerExecution } from '../../domain/execution/settings.ts';
import { shortestCallMs, switchedOff, type Hub } from '../dispatch/hub.ts';
import type { ServerGroup } from '../groups/server-group.ts';
import type { ExecutionSettings } from '../../domain/execution/settings.ts';
import { isSame } from '../../domain/mcp-server/spec-change.ts';
import type { NextConfiguration } from '../ports.ts';
import { registeredByReload } from '../recording/registrations.ts';
import type { ChangedList } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';

const LISTS: readonly ChangedList[] = ['tools', 'prompts', 'resources'];

export class Generations {
  readonly #hub: Hub;
  #now: Generation;
  #execution: ExecutionSettings;

  constructor(hub: Hub, first: Generation & Pick<NextConfiguration, 'execution'>) {
    this.#hub = hub;
    this.#now = first;
    this.#execution = first.execution;
  }

  /** Limits and retries over all servers. */
  configure(execution: ExecutionSettings): void {
    // It fills the buckets of those that call.
    if (!isSame(execution, this.#execution)) this.#hub.gate.configure(execution);
    this.#execution = execution;
  }

  /** How these differ from those of now. */
  compare(next: Generation = this.#now): GenerationDiff {
    return compareGenerations(this.#now, next);
  }

  /** Puts the next servers and groups in place. Returns with them serving; what goes ends in the background, within `drainMs`. */
  apply(next: Generation, drainMs: number): GenerationDiff {
    const diff = this.compare(next);
    const { fleet, groups, processes } = this.#hub;
    const old = new Map<string, McpServer>(fleet.servers.map((server) => [server.spec.id, server]));
    const made = this.#make(diff.steps, old);
    const configured = new Set<string>(this.#now.servers.map(({ id }) => id));
    const enabled = next.servers.filter((spec) => spec.enabled);
    const others = fleet.servers.filter(({ spec }) => !configured.has(spec.id));
    const servers = [...enabled.flatMap(({ id }) => made.get(id) ?? old.get(id) ?? []), ...others];
    for (const { spec, change } of diff.steps)
      if (change === 'live' && spec.enabled) adopt(old.get(spec.id), spec);
    this.#now = next;
    const regrouped = this.#regroup(servers);
    fleet.swap({ servers, groups: groups.all, ...switchedOff(next) });
    const kept = new Set(fleet.servers);
    const gone = [...old.values()].filter((server) => !kept.has(server));
    for (const server of gone) this.#retire(server, drainMs);
    const left = new Set<string>(next.servers.map(({ id }) => id));
    const removed = [...configured].filter((id) => !left.has(id));
    this.#hub.register(registeredByReload(diff.steps, removed));
    const goneIds = new Set<string>(gone.map(({ spec }) => spec.id));
    processes.follow({ isGone: (id) => goneIds.has(id) });
    this.#tell(this.#changes({ diff, made, gone, regrouped }));
    return diff;
  }

  /** Groups go over to these servers. Answers those that came, went or were made anew, the new ones first. */
  #regroup(servers: readonly McpServer[]): readonly ServerGroup[] {
    const { groups, gate } = this.#hub;
    const before = groups.all;
    const find = (id: string): ServerGroup | undefined => before.find(({ spec }) => spec.id === id);
    const specs = this.#now.groups.map((spec) => withLimits(spec, find(spec.id)?.spec));
    groups.follow(specs, servers);
    const made = groups.all.filter((group) => !before.includes(group));
    for (const group of made) {
      const known = find(group.spec.id);
      if (known !== undefined) gate.inherit(known, group);
    }
    return [...made, ...before.filter((group) => !groups.all.includes(group))];
  }

  /** What has to be built, before anything is changed. */
  #make(
    steps: readonly Step[],
    old: ReadonlyMap<string, McpServer>,
  ): ReadonlyMap<string, McpServer> {
    const made = new Map<string, McpServer>();
    for (const { spec, change } of steps) {
      if (!spec.enabled || change === 'none' || change === 'live') continue;
      const server = this.#hub.newServer(spec);
      const before = old.get(spec.id);
      if (before?.spec.digest === spec.digest) this.#hub.catalogs.inherit(before, server);
      made.set(spec.id, server);
    }
    return made;
  }

  #retire(server: McpServer, drainMs: number): void {
    const { fleet, subscriptions, catalogs, useCases } = this.#hub;
    const { id } = server.spec;
    if (!fleet.servers.some(({ spec }) => spec.id === id)) subscriptions.end(server);
    const ended = server.retire(this.#whoeverIs(id), drainMs).then(() => {
      catalogs.forget(server);
      if (!this.#now.servers.some((spec) => spec.id === id)) useCases.logs.forget(id);
    });
    fleet.leaves(server, ended);
  }

  #find(id: string): Upstream | undefined {
    const { servers, groups } = this.#hub.fleet;
    const isMeant = ({ spec }: Upstream): boolean => spec.id === id;
    return servers.find(isMeant) ?? groups.find(isMeant);
  }

  /** The server or group of that id at the time when it is asked: whoever is replaced again is not kept for it. */
  #whoeverIs(id: string): Pick<McpServer, 'take'> {
    return {
      take: (user, work) => {
        const server = this.#find(id);
        if (server !== undefined) return server.take(user, work);
        const { servers, groups } = this.#now;
        const isThere = [...servers, ...groups].some((spec) => spec.id === id);
        const data = { name: id };
        throw isThere
          ? new Fault('MCP_SERVER_DISABLED', `MCP server "${id}" was switched off`, { data })
          : new Fault('MCP_SERVER_UNKNOWN', `MCP server "${id}" was taken out`, { data });
      },
    };
  }

  #tell(changes: ReadonlyMap<McpServer, readonly ChangedList[]>): void {
    const { catalogs, calls } = this.#hub;
    calls.limitsChanged(shortestCallMs(this.#now));
    this.#hub.fleetChanged();
    catalogs.fleetChanged(changes);
  }

  /** Lists that are others. Of a server that nobody has listed yet clients hear, too: they are to ask for it. */
  #changes({ diff, made, gone, regrouped }: Applied): Map<McpServer, readonly ChangedList[]> {
    const { catalogs, fleet } = this.#hub;
    const isUnknown = (server: McpServer): boolean =>
      server.spec.launch.kind !== 'inactive' && catalogs.toolsKnown(server) === undefined;
    const changes = new Map<McpServer, readonly ChangedList[]>(gone.map((server) => [server, []]));
    const updated = new Set(diff.updated);
    for (const server of fleet.servers) {
      const { id } = server.spec;
      if (!updated.has(id) && !made.has(id)) continue;
      changes.set(server, made.has(id) && isUnknown(server) ? LISTS : []);
    }
    for (const { members } of regrouped) {
      const isNews = members.every(isUnknown);
      for (const member of members)
        if (!changes.has(member)) changes.set(member, isNews ? LISTS : []);
    }
    return changes;
  }
}

interface Applied {
  readonly diff: GenerationDiff;
  readonly made: ReadonlyMap<string, McpServer>;
  readonly gone: readonly McpServer[];
  readonly regrouped: readonly ServerGroup[];
}

function adopt(server: McpServer | undefined, spec: McpServerSpec): void {
  server?.adopt(withLimits(spec, server.spec));
}

interface Limited {
  readonly execution?: ServerExecution | undefined;
}

/** Limits that are the same are the same object: with another one buckets would be full again. */
function withLimits<Spec extends Limited>(spec: Spec, known: Limited | undefined): Spec {
  if (known === undefined || !isSame(known.execution, spec.execution)) return spec;
  return { ...spec, execution: known.execution };
}
