/** The values of commands and queries as a program gets them. */
import { utf8Text } from '../../application/byte-text.ts';
import type { ToolAnswer } from '../../application/calls/internal-call.ts';
import type { McpServerDetails as Details } from '../../application/queries/get-mcp-server.ts';
import type { ReloadReport } from '../../application/reload/reloads.ts';
import type { ServerFacts } from '../../application/server-facts.ts';
import { isObject } from '../../domain/protocol/json-rpc.ts';
import type {
  Health,
  McpServerDetails,
  McpServerSummary,
  Reloaded,
  Tool,
  ToolResult,
} from './api.ts';
import { HangarError } from './hangar-error.ts';

/** A result as a value. @throws HangarError UPSTREAM_ANSWER_INVALID */
export function toolResult(answer: ToolAnswer): ToolResult {
  const result = answer.kind === 'value' ? plain(answer.result) : resultIn(answer);
  if (isObject(result)) return result as ToolResult; // the members that matter are optional
  throw new HangarError('UPSTREAM_ANSWER_INVALID', 'the answer has no result object');
}

function resultIn({ answer }: Extract<ToolAnswer, { kind: 'bytes' }>): unknown {
  try {
    const message: unknown = JSON.parse(utf8Text([...answer.before, '0', ...answer.after]));
    return isObject(message) ? message['result'] : undefined;
  } catch {
    return undefined; // a large answer comes unchecked
  }
}

/** Inside, numbers are kept as they were written; outside, they are numbers. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export const toolList = (tools: readonly unknown[]): readonly Tool[] =>
  plain(tools) as readonly Tool[]; // the catalogue has checked what a tool must have

export const summaryOf = (facts: ServerFacts): McpServerSummary => ({
  id: facts.id,
  state: facts.state,
  mode: facts.mode,
  isReady: facts.state === 'ready',
  isCold: facts.state === 'cold',
  toolsCount: facts.toolsCount,
  lastUsedAt: facts.lastUsedAtMs === undefined ? undefined : new Date(facts.lastUsedAtMs),
  description: facts.description,
  note: facts.note,
});

export function detailsOf({ facts, tools, health }: Details): McpServerDetails {
  const { canRetry, consecutiveFailures, totalInvocations, totalFailures } = health;
  return {
    ...summaryOf(facts),
    tools: toolList(tools),
    health: {
      status: facts.healthStatus,
      isReady: facts.state === 'ready',
      canRetry,
      consecutiveFailures,
      totalInvocations,
      totalFailures,
      note: facts.note,
    },
  };
}

/** Servers that are switched off are shown, and not waited for. */
export function healthOf(status: Health['status'], all: readonly ServerFacts[]): Health {
  const used = all.filter(({ state }) => state !== 'disabled');
  return {
    status,
    servers: Object.fromEntries(all.map(({ id, state }) => [id, state])),
    allReady: used.every(({ state }) => state === 'ready'),
    anyReady: used.some(({ state }) => state === 'ready'),
  };
}

export const reloadedOf = ({ isIdentical, diff, durationMs }: ReloadReport): Reloaded => ({
  isIdentical,
  ...diff,
  durationMs,
});
