import { z } from 'zod';
import type { Health } from '../../domain/mcp-server/health.ts';
import { successRate } from '../../domain/mcp-server/health.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { targetOf } from '../server-activity.ts';
import { healthOfAll } from '../groups/group-as-server.ts';
import { groupFactsOf, type GroupFacts } from '../groups/group-facts.ts';
import { ServerGroup } from '../groups/server-group.ts';
import { canRetry, factsOf, findUpstream, type ServerFacts } from '../server-facts.ts';
import { defineQuery, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';

export interface McpServerDetails {
  readonly facts: ServerFacts;
  readonly nowMs: number;
  readonly tools: readonly JsonObject[];
  readonly hiddenToolsCount: number;
  readonly health: Health & { readonly successRate: number; readonly canRetry: boolean };
  /** What it said of itself when it was started last. */
  readonly hello: JsonObject | undefined;
  readonly era: string | undefined;
  /** Its command line or address, without secrets. */
  readonly target: string | undefined;
  /** How its members do, where it is a group. */
  readonly group?: GroupFacts | undefined;
}

export const getMcpServer = defineQuery({
  name: 'get_mcp_server',
  input: () => z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:read',
  summary:
    'Show all that is known of one MCP server: state, tools, health and what it says of itself.',
  run(deps, { id }, context): McpServerDetails {
    const server = findUpstream(deps, id);
    if (server instanceof ServerGroup) return groupDetails(server, deps, context);
    const { asker, owner } = context.caller.user;
    const { health, phase, spec } = server;
    const catalog = deps.catalogs.find(server, asker, owner);
    const { tools } = deps.catalogs.offer(server, asker, owner);
    const all = catalog?.tools ?? spec.predefinedTools ?? [];
    const nowMs = deps.clock.nowMs();
    return {
      facts: factsOf(server, deps, context),
      nowMs,
      tools,
      hiddenToolsCount: all.length - tools.length,
      health: {
        ...health,
        successRate: successRate(health),
        canRetry: canRetry(phase, health, nowMs),
      },
      hello: catalog?.hello,
      era: catalog?.era,
      target: targetOf(spec),
    };
  },
});

function groupDetails(
  server: ServerGroup,
  deps: UseCaseDeps,
  context: UseCaseContext,
): McpServerDetails {
  const { asker, owner } = context.caller.user;
  const catalog = deps.catalogs.find(server, asker, owner);
  const { tools } = deps.catalogs.offer(server, asker, owner);
  const health = healthOfAll(server);
  const group = groupFactsOf(server, deps, context);
  return {
    facts: group.asServer,
    nowMs: deps.clock.nowMs(),
    tools,
    hiddenToolsCount: catalog === undefined ? 0 : catalog.tools.length - tools.length,
    health: { ...health, successRate: successRate(health), canRetry: group.isAvailable },
    hello: catalog?.hello,
    era: catalog?.era,
    target: undefined,
    group,
  };
}
