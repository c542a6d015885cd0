/** What gateway tools answer: the values of commands and queries under the keys of each family. */
import { classifyFailure } from '../../domain/mcp-server/call-failure.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import { textOf, type InvokeReport } from '../commands/invoke-tool-with-report.ts';
import type { StartedMcpServer } from '../commands/start-mcp-server.ts';
import type { StoppedMcpServer } from '../commands/stop-mcp-server.ts';
import type { WarmedMcpServers } from '../commands/warm-mcp-servers.ts';
import type { GatewayHealth } from '../queries/get-health.ts';
import type { McpServerDetails } from '../queries/get-mcp-server.ts';
import type { McpServerList } from '../queries/list-mcp-servers.ts';
import type { McpServerTools } from '../queries/get-mcp-server-tools.ts';
import type { ServerFacts } from '../server-facts.ts';
import { cutMembers } from './batch-answers.ts';
import { describeFailure, failureValue } from './failures.ts';
import { groupCounts, groupStatus } from './group-answers.ts';
import { valueAnswer } from './value-answer.ts';
import type { Words } from './words.ts';

export function listAnswer(all: McpServerList, words: Words): ToolAnswer {
  const servers = all.servers.map((facts) => ({
    [words.one]: facts.id,
    ...shortFacts(facts),
    tools_count: facts.toolsCount,
    health_status: facts.healthStatus,
    tools_predefined: facts.hasPredefinedTools,
    ...optional('description', facts.description),
    ...(facts.state === 'disabled' ? optional('note', facts.note) : {}),
  }));
  return valueAnswer({
    [words.many]: servers,
    groups: all.groups.map(groupStatus),
    ...(words.family === 'hangar' ? { runtime_mcp_servers: [] } : {}),
  });
}

const shortFacts = ({ state, mode, isAlive }: ServerFacts): JsonObject => ({
  state,
  mode,
  alive: isAlive,
});

/** What clients of one era do not get of a server, where there is something. */
export const crossingOf = ({ cannotCross }: ServerFacts): JsonObject =>
  optional('cannot_cross', cannotCross.length === 0 ? undefined : cannotCross);

const optional = (key: string, value: unknown): JsonObject =>
  value === undefined ? {} : { [key]: value };

export function startAnswer(
  { id, state, tools, group }: StartedMcpServer,
  words: Words,
): ToolAnswer {
  if (group === undefined) return valueAnswer({ [words.one]: id, state, tools });
  const { facts, membersStarted } = group;
  return valueAnswer({
    group: id,
    state: facts.state,
    members_started: membersStarted,
    healthy_count: facts.healthyCount,
    total_members: facts.totalCount,
  });
}

export const stopAnswer = ({ id, reason, group }: StoppedMcpServer): ToolAnswer =>
  valueAnswer(
    group === undefined
      ? { stopped: id, reason }
      : { group: id, state: group.state, stopped: true },
  );

export const toolsAnswer = (
  { id, state, isGroup, arePredefined, tools }: McpServerTools,
  words: Words,
): ToolAnswer =>
  valueAnswer({
    [words.one]: id,
    ...(isGroup ? { group: true } : { state, predefined: arePredefined }),
    tools: tools.map(toolSchema),
  });

const toolSchema = ({ name, description, inputSchema, outputSchema }: JsonObject): JsonObject => ({
  name,
  description: description ?? '',
  inputSchema: inputSchema ?? { type: 'object' },
  ...optional('outputSchema', outputSchema),
});

export function detailsAnswer(details: McpServerDetails, words: Words): ToolAnswer {
  const { facts, nowMs, tools, health, hello, era, hiddenToolsCount, group } = details;
  if (group !== undefined) return valueAnswer(groupStatus(group));
  const ago = (ms: number | undefined): number | null =>
    ms === undefined ? null : seconds(nowMs - ms);
  const policy = {
    type: hiddenToolsCount > 0 ? 'hide' : 'none',
    has_allow_list: false,
    has_deny_list: false,
    filtered_count: hiddenToolsCount,
  };
  return valueAnswer({
    [words.one]: facts.id,
    ...shortFacts(facts),
    tools: tools.map(toolSchema),
    health: {
      consecutive_failures: health.consecutiveFailures,
      total_invocations: health.totalInvocations,
      total_failures: health.totalFailures,
      success_rate: health.successRate,
      can_retry: health.canRetry,
      last_success_ago: ago(health.lastSuccessAtMs),
      last_failure_ago: ago(health.lastFailureAtMs),
    },
    ...optional('circuit_breaker', circuitMember(facts)),
    idle_time: facts.isAlive ? ago(facts.lastUsedAtMs) : null,
    meta: {
      tools_count: tools.length,
      ...optional('init_result', hello),
      ...optional('era', era),
    },
    ...(words.family === 'hangar' ? { tools_policy: policy } : {}),
    ...optional('note', facts.note),
    ...crossingOf(facts),
  });
}

function circuitMember({ circuit }: ServerFacts): JsonObject | undefined {
  if (circuit === undefined) return undefined;
  const { state, trips, failures, openedBy } = circuit;
  return { state, trips, failures, opened_by: openedBy ?? null };
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

export function healthAnswer(health: GatewayHealth, words: Words): ToolAnswer {
  const { status, total, byState, groups, rateUse } = health;
  const { limit, activeBuckets } = rateUse;
  const config = {
    requests_per_second: limit?.perSecond ?? null,
    burst_size: limit?.burst ?? null,
    scope: limit === undefined ? null : 'global',
  };
  return valueAnswer({
    status,
    [words.many]: { total, by_state: byState },
    groups: groupCounts(groups),
    security: { rate_limiting: { active_buckets: activeBuckets, config } },
  });
}

export function warmAnswer(
  { warmed, alreadyWarm, failed }: WarmedMcpServers,
  words: Words,
): ToolAnswer {
  const counts = [
    `${warmed.length} warmed`,
    `${alreadyWarm.length} already warm`,
    `${failed.length} failed`,
  ];
  return valueAnswer({
    warmed,
    already_warm: alreadyWarm,
    failed: failed.map(({ id, error }) => ({
      id,
      error: describeFailure(error, words).error.slice(0, ERROR_CHARS_MAX),
    })),
    summary: counts.join(', '),
  });
}
const ERROR_CHARS_MAX = 100;

/** The tool's own result with the report beside it; a failure as a result that says so. */
export function reportAnswer(report: InvokeReport, words: Words): ToolAnswer {
  const { outcome, correlationId, attempts, totalMs, tool } = report;
  const result = 'result' in outcome ? outcome.result : failedResult(tool, outcome.error, words);
  const isError = result['isError'] === true;
  const failure = isError ? classifyFailure(textOf(result)) : undefined;
  return {
    kind: 'value',
    result: {
      ...result,
      ...('result' in outcome ? cutMembers(outcome.cut) : {}),
      _retry_metadata: {
        correlation_id: correlationId,
        attempts: attempts.attempts,
        total_time_ms: totalMs,
        retries: attempts.retries,
        ...(failure === undefined
          ? {}
          : { final_error_reason: failure.reason, recovery_hints: failure.recoveryHints }),
      },
      _progress: report.progress.map(({ stage, message, elapsedMs }) => ({
        stage,
        message,
        elapsed_ms: elapsedMs,
      })),
    },
  };
}

function failedResult(tool: string, error: unknown, words: Words): JsonObject {
  const failure = describeFailure(error, words);
  return {
    content: [{ type: 'text', text: `Error executing tool "${tool}": ${failure.text}` }],
    structuredContent: failureValue(failure),
    isError: true,
  };
}
