import { z } from 'zod';
import { allGroupFacts, type GroupFacts } from '../groups/group-facts.ts';
import { defineQuery } from '../use-case.ts';

export interface GroupList {
  readonly groups: readonly GroupFacts[];
  readonly nowMs: number;
}

export const listGroups = defineQuery({
  name: 'list_groups',
  input: () => z.strictObject({}),
  permission: 'mcp_servers:read',
  summary: 'List every group of MCP servers with its state and how its members do.',
  run: (deps, _input, context): GroupList => ({
    groups: allGroupFacts(deps, context),
    nowMs: deps.clock.nowMs(),
  }),
});
