/**
 * The servers of one configuration take the place of those of the one before: all in one turn of the event loop, so
 * that no request sees a part of it.
 *
 * Invariants
 * 1. Only what the configuration brought is compared, replaced or removed.
 * 2. A server that has not changed is not touched: its children, sessions, catalogue, counters and back-off stay.
 * 3. What goes ends what it has at hand, within a limit; whoever still holds it is sent to what took its place.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import {
  compareGenerations,
  type GenerationDiff,
  type Step,
} from '../../domain/mcp-server/generations.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { shortestTimeoutMs, type Hub } from '../dispatch/hub.ts';
import type { ExecutionSettings } from '../../domain/execution/settings.ts';
import { isSame } from '../../domain/mcp-server/spec-change.ts';
import type { NextConfiguration } from '../ports.ts';
import type { ChangedList } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';

const LISTS: readonly ChangedList[] = ['tools', 'prompts', 'resources'];

export class Generations {
  readonly #hub: Hub;
  #specs: readonly McpServerSpec[];
  #execution: ExecutionSettings;

  constructor(hub: Hub, first: Pick<NextConfiguration, 'servers' | 'execution'>) {
    this.#hub = hub;
    this.#specs = first.servers;
    this.#execution = first.execution;
  }

  /** Limits and retries over all servers. */
  configure(execution: ExecutionSettings): void {
    // It fills the buckets of those that call.
    if (!isSame(execution, this.#execution)) this.#hub.gate.configure(execution);
    this.#execution = execution;
  }

  /** How these differ from those of now. */
  compare(next: readonly McpServerSpec[] = this.#specs): GenerationDiff {
    return compareGenerations(this.#specs, next);
  }

  /** Puts the next servers in place. Returns with them serving; what goes ends in the background, within `drainMs`. */
  apply(next: readonly McpServerSpec[], drainMs: number): GenerationDiff {
    const diff = this.compare(next);
    const { fleet } = this.#hub;
    const old = new Map<string, McpServer>(fleet.servers.map((server) => [server.spec.id, server]));
    const made = this.#make(diff.steps, old);
    const configured = new Set<string>(this.#specs.map(({ id }) => id));
    const enabled = next.filter((spec) => spec.enabled);
    const servers = enabled.flatMap(({ id }) => made.get(id) ?? old.get(id) ?? []);
    const others = fleet.servers.filter(({ spec }) => !configured.has(spec.id));
    for (const { spec, change } of diff.steps)
      if (change === 'live' && spec.enabled) adopt(old.get(spec.id), spec);
    this.#specs = next;
    fleet.swap({
      servers: [...servers, ...others],
      disabled: next.filter((spec) => !spec.enabled),
    });
    const kept = new Set(fleet.servers);
    const gone = [...old.values()].filter((server) => !kept.has(server));
    for (const server of gone) this.#retire(server, drainMs);
    this.#tell(diff, made, gone);
    return diff;
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
    if (this.#find(id) === undefined) subscriptions.end(server);
    const ended = server.retire(this.#whoeverIs(id), drainMs).then(() => {
      catalogs.forget(server);
      if (!this.#specs.some((spec) => spec.id === id)) useCases.logs.forget(id);
    });
    fleet.leaves(server, ended);
  }

  #find(id: string): McpServer | undefined {
    return this.#hub.fleet.servers.find(({ spec }) => spec.id === id);
  }

  /** The server of that id at the time when it is asked: whoever is replaced again is not kept for it. */
  #whoeverIs(id: string): Pick<McpServer, 'take'> {
    return {
      take: (user, work) => {
        const server = this.#find(id);
        if (server !== undefined) return server.take(user, work);
        const isThere = this.#specs.some((spec) => spec.id === id);
        const data = { name: id };
        throw isThere
          ? new Fault('MCP_SERVER_DISABLED', `MCP server "${id}" was switched off`, { data })
          : new Fault('MCP_SERVER_UNKNOWN', `MCP server "${id}" was taken out`, { data });
      },
    };
  }

  /** Of a server that nobody has listed yet clients hear, too: they are to ask for it. */
  #tell(
    diff: GenerationDiff,
    made: ReadonlyMap<string, McpServer>,
    gone: readonly McpServer[],
  ): void {
    const { catalogs, calls, fleet } = this.#hub;
    calls.limitsChanged(shortestTimeoutMs(this.#specs));
    this.#hub.fleetChanged();
    const changes = new Map<McpServer, readonly ChangedList[]>(gone.map((server) => [server, []]));
    const updated = new Set(diff.updated);
    for (const server of fleet.servers) {
      const { id, launch } = server.spec;
      if (!updated.has(id) && !made.has(id)) continue;
      const isUnknown = launch.kind !== 'inactive' && catalogs.toolsKnown(server) === undefined;
      changes.set(server, made.has(id) && isUnknown ? LISTS : []);
    }
    catalogs.fleetChanged(changes);
  }
}

/** Limits that are the same are the same object: with another one buckets would be full again. */
function adopt(server: McpServer | undefined, spec: McpServerSpec): void {
  const execution = server?.spec.execution;
  server?.adopt(isSame(execution, spec.execution) ? { ...spec, execution } : spec);
}
