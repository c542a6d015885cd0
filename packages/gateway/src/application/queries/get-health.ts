import { z } from 'zod';
import type { RateUse } from '../execution/execution-gate.ts';
import { allGroupFacts, type GroupFacts } from '../groups/group-facts.ts';
import { allFacts, type ServerFacts } from '../server-facts.ts';
import { defineQuery } from '../use-case.ts';

export interface GatewayHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly total: number;
  readonly byState: Readonly<Record<string, number>>;
  readonly groups: readonly GroupFacts[];
  readonly rateUse: RateUse;
}

export const getHealth = defineQuery({
  name: 'get_health',
  input: () => z.strictObject({}),
  permission: 'mcp_servers:read',
  summary: 'Show how the gateway does: how many MCP servers are in which state.',
  run(deps, _input, context): GatewayHealth {
    const all = allFacts(deps, context);
    const byState: Record<string, number> = {};
    for (const { state } of all) byState[state] = (byState[state] ?? 0) + 1;
    const groups = allGroupFacts(deps, context);
    const { rateUse } = deps.gate;
    return { status: statusOf(all, groups), total: all.length, byState, groups, rateUse };
  },
});

function statusOf(
  all: readonly ServerFacts[],
  groups: readonly GroupFacts[],
): GatewayHealth['status'] {
  const used = all.filter(({ state }) => state !== 'disabled');
  const broken = used.filter(({ state }) => state === 'dead' || state === 'degraded');
  if (broken.length === 0)
    return groups.every(({ state }) => state === 'healthy' || state === 'disabled')
      ? 'healthy'
      : 'degraded';
  return used.every(({ state }) => state === 'dead') ? 'unhealthy' : 'degraded';
}
