/** Servers and groups of a checked document. Groups come second, so that they may stand before their members. */
import type { GroupSpec } from '../../domain/group/spec.ts';
import { McpServerId, type McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { hiddenTools, predefinedTools, resolveServer, type ServerBase } from './resolve-server.ts';
import { serverExecution } from './resolve-execution.ts';
import type { ConfigDocument } from './schema.ts';
import { MODES, type OneServerEntry, type ServerEntry } from './schema-server.ts';

type NamedEntry = readonly [id: string, entry: ServerEntry];

const isGroup = ([, { mode }]: NamedEntry): boolean =>
  mode !== undefined && MODES[mode] === 'group';

export function resolveServers(
  entries: readonly NamedEntry[],
  base: ServerBase,
  document: ConfigDocument,
): Pick<GatewayConfig, 'servers' | 'groups'> {
  const resolve = (id: string, entry: OneServerEntry): McpServerSpec => ({
    ...resolveServer(id, entry, base),
    execution: serverExecution(id, entry, document),
  });
  const plain = entries.filter((entry) => !isGroup(entry));
  const topLevel = plain.map(([id, entry]) => resolve(id, entry));
  const ids = new Set<string>(topLevel.map(({ id }) => id));
  const groupEntries = entries.filter(isGroup);
  const inline = groupEntries
    .filter(([, { enabled }]) => enabled)
    .flatMap(([, { members = [], tools }]) =>
      members
        .filter(({ id }) => !ids.has(id))
        .map(({ id, ...entry }) => withHidden(resolve(id, entry), hiddenTools({ tools }))),
    );
  const servers = [...topLevel, ...inline];
  const groups = groupEntries.map(([id, entry]) => ({
    ...resolveGroup(id, entry, { servers, ids }),
    // What holds for every server unless it is set holds for each member, not for all of them together.
    execution: groupExecution(id, entry, document),
  }));
  return { servers, groups };
}

/** What a group hides is hidden by the servers that it defines, however they are reached. */
const withHidden = (spec: McpServerSpec, globs: readonly string[]): McpServerSpec => ({
  ...spec,
  hiddenTools: [...new Set([...spec.hiddenTools, ...globs])],
});

interface Known {
  readonly servers: readonly McpServerSpec[];
  /** Of the servers that are defined outside of groups. */
  readonly ids: ReadonlySet<string>;
}

/** Limits of the group as a whole, and how its calls are tried again. */
function groupExecution(
  id: string,
  entry: ServerEntry,
  document: ConfigDocument,
): GroupSpec['execution'] {
  const { max_concurrency = 0, rate_limit } = entry;
  return serverExecution(id, { max_concurrency, rate_limit }, document);
}

function resolveGroup(
  id: string,
  entry: ServerEntry,
  { servers, ids }: Known,
): Omit<GroupSpec, 'execution'> {
  const { members = [], health, circuit_breaker: breaker } = entry;
  const memberIds = new Set<string>(members.map((member) => member.id));
  const specs = servers.filter((server) => memberIds.has(server.id));
  return {
    id: McpServerId.parse(id),
    description: entry.description,
    enabled: entry.enabled,
    members: members.map((member) => ({
      id: McpServerId.parse(member.id),
      weight: member.weight,
      priority: member.priority,
      isInline: !ids.has(member.id),
    })),
    strategy: entry.strategy ?? 'round_robin',
    minHealthy: entry.min_healthy ?? 1,
    autoStart: entry.auto_start ?? true,
    health: {
      unhealthyThreshold: health?.unhealthy_threshold ?? 2,
      healthyThreshold: health?.healthy_threshold ?? 1,
    },
    breaker: {
      failureThreshold: breaker?.failure_threshold ?? 10,
      resetTimeoutMs: Math.round((breaker?.reset_timeout_s ?? 60) * 1000),
    },
    canary: canaryOf(entry),
    affinity: affinityOf(entry),
    failoverMembersMax: entry.failover?.max_members ?? 2,
    hedgeAfterMs: entry.hedge_after_ms,
    // Whichever is set: a group and its members have the same standard.
    callTimeoutMs: Math.min(
      Math.round(entry.call_timeout_s * 1000),
      Math.max(...specs.map(({ callTimeoutMs }) => callTimeoutMs)),
    ),
    predefinedTools:
      predefinedTools(entry) ??
      specs.find((spec) => spec.predefinedTools !== undefined)?.predefinedTools,
    hiddenTools: [
      ...new Set([...hiddenTools(entry), ...specs.flatMap((spec) => spec.hiddenTools)]),
    ],
  };
}

function canaryOf({ canary }: ServerEntry): GroupSpec['canary'] {
  if (canary === undefined) return undefined;
  return {
    member: canary.member,
    splitPercent: canary.split_pct,
    pinnedTenants: new Map(Object.entries(canary.pinned_tenants ?? {})),
  };
}

function affinityOf({ session_affinity: affinity }: ServerEntry): GroupSpec['affinity'] {
  if (affinity === undefined) return undefined;
  return {
    by: affinity.by,
    header: affinity.header?.toLowerCase(),
    ttlMs: Math.round(affinity.ttl_s * 1000),
  };
}
