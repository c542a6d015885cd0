/** The status page, as data and as a text for people. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { GroupFacts } from '../groups/group-facts.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import type { GatewayStatus } from '../queries/get-status.ts';
import type { ServerFacts, ServerState } from '../server-facts.ts';
import { crossingOf } from './results.ts';
import { valueAnswer } from './value-answer.ts';
import type { Words } from './words.ts';

const INDICATORS: Readonly<Record<Words['family'], Readonly<Record<ServerState, string>>>> = {
  registry: {
    ready: '✅',
    cold: '⏸️',
    initializing: '🔄',
    degraded: '⚠️',
    dead: '❌',
    disabled: '🚫',
  },
  hangar: {
    ready: '[READY]',
    cold: '[COLD]',
    initializing: '[STARTING]',
    degraded: '[DEGRADED]',
    dead: '[DEAD]',
    disabled: '[DISABLED]',
  },
};

export function statusAnswer(
  { servers, groups, nowMs, uptimeMs, stateProblem }: GatewayStatus,
  words: Words,
): ToolAnswer {
  const rows = servers.map((facts) => ({
    id: facts.id,
    indicator: INDICATORS[words.family][facts.state],
    state: facts.state,
    mode: facts.mode,
    ...(facts.lastUsedAtMs === undefined
      ? {}
      : { last_used: `${duration(nowMs - facts.lastUsedAtMs)} ago` }),
    ...(facts.note === undefined ? {} : { note: facts.note }),
    ...(facts.consecutiveFailures === 0 ? {} : { consecutive_failures: facts.consecutiveFailures }),
    ...crossingOf(facts),
  }));
  const healthy = servers.filter(isHealthy).length;
  const isHangar = words.family === 'hangar';
  return valueAnswer({
    [words.many]: rows,
    groups: groups.map((group) => groupRow(group, words)),
    ...(isHangar ? { runtime_mcp_servers: [] } : {}),
    summary: {
      [`healthy_${words.many}`]: healthy,
      [`total_${words.many}`]: servers.length,
      ...(isHangar ? { runtime_mcp_servers: 0, runtime_healthy: 0 } : {}),
      uptime: duration(uptimeMs),
      uptime_seconds: Math.round(uptimeMs / 1_000),
      ...(stateProblem === undefined ? {} : { state_problem: stateProblem }),
    },
    formatted: [
      `MCP Hangar: ${healthy} of ${servers.length} ${words.many} healthy, up ${duration(uptimeMs)}`,
      ...servers.flatMap((facts) => linesOf(facts, words)),
      ...groups.map((group) => groupLine(group, words)),
      ...(stateProblem === undefined ? [] : [`state is not kept: ${stateProblem}`]),
    ].join('\n'),
  });
}

function linesOf({ id, state, note, cannotCross }: ServerFacts, { family }: Words): string[] {
  const line = `${INDICATORS[family][state]} ${id}  ${state}`;
  return [
    note === undefined ? line : `${line}  ${note}`,
    ...cannotCross.map(
      ({ clients, feature, reason }) => `    not for ${clients} clients: ${feature} (${reason})`,
    ),
  ];
}

const GROUP_AS: Readonly<Record<GroupFacts['state'], ServerState>> = {
  healthy: 'ready',
  partial: 'degraded',
  degraded: 'degraded',
  inactive: 'dead',
  disabled: 'disabled',
};

const groupIndicator = ({ state }: GroupFacts, { family }: Words): string =>
  INDICATORS[family][GROUP_AS[state]];

const groupRow = (group: GroupFacts, words: Words): JsonObject => ({
  id: group.id,
  indicator: groupIndicator(group, words),
  state: group.state,
  healthy_members: group.healthyCount,
  total_members: group.totalCount,
});

const groupLine = (group: GroupFacts, words: Words): string =>
  `${groupIndicator(group, words)} ${group.id}  ${group.state}  group, ${group.healthyCount} of ${group.totalCount} members in rotation`;

const isHealthy = ({ healthStatus }: ServerFacts): boolean => healthStatus === 'healthy';

/** `1h 2m 3s`, without the parts that are nothing. */
function duration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(total / 3_600), 'h'],
    [Math.floor(total / 60) % 60, 'm'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);
  return [...shown, `${total % 60}s`].join(' ');
}
