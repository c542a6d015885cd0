import { z } from 'zod';
import { allGroupFacts, type GroupFacts } from '../groups/group-facts.ts';
import { allFacts, type ServerFacts } from '../server-facts.ts';
import { defineQuery } from '../use-case.ts';

export interface GatewayStatus {
  readonly servers: readonly ServerFacts[];
  readonly groups: readonly GroupFacts[];
  readonly nowMs: number;
  readonly uptimeMs: number;
  /** What is to outlive the gateway is not kept just now. */
  readonly stateProblem: string | undefined;
}

export const getStatus = defineQuery({
  name: 'get_status',
  input: () => z.strictObject({}),
  permission: 'mcp_servers:read',
  summary: 'Show every MCP server at a glance, and how long the gateway has been up.',
  run(deps, _input, context): GatewayStatus {
    const nowMs = deps.clock.nowMs();
    return {
      servers: allFacts(deps, context),
      groups: allGroupFacts(deps, context),
      nowMs,
      uptimeMs: nowMs - deps.startedAtMs,
      stateProblem: deps.stateProblem?.(),
    };
  },
});
