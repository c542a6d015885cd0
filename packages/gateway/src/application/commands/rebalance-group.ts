import { z } from 'zod';
import { findGroup, groupFactsOf, type GroupFacts } from '../groups/group-facts.ts';
import { defineCommand } from '../use-case.ts';

export const rebalanceGroup = defineCommand({
  name: 'rebalance_group',
  input: () => z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:lifecycle',
  summary:
    'Take every member of a group back into rotation that nothing is known to be wrong with, the others out, and close its circuit.',
  run(deps, { id }, context): GroupFacts {
    const group = findGroup(deps, id);
    group.rebalance();
    return groupFactsOf(group, deps, context);
  },
});
