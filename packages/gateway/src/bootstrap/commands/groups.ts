/** `mcp-hangar groups` and `mcp-hangar rebalance`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { GroupRow, GroupsReport } from '../../application/operator/groups-report.ts';
import type { GroupFlags } from '../../server/cli/commands/groups.ts';
import { groupLine, groupsText } from '../../server/cli/groups-text.ts';
import { advised } from '../advised.ts';
import { askGateway, readAnswer } from '../ask-gateway.ts';
import { print } from '../say.ts';

/** Prints the groups and their members. Answers the exit code. */
export async function groups(flags: GroupFlags): Promise<number> {
  const answer = await askGateway(flags, { query: 'list_groups', input: {} });
  const report = readAnswer(GroupsReport, answer);
  await print(
    flags.json === true ? JSON.stringify(report) : groupsText(report, process.stdout.columns),
  );
  return 0;
}

/** Rebalances one group. Answers the exit code. @throws Fault GROUP_UNKNOWN, with what to do about it */
export async function rebalance(id: string, flags: GroupFlags): Promise<number> {
  try {
    const answer = await askGateway(flags, { query: 'rebalance_group', input: { id } });
    const group = readAnswer(GroupRow, answer);
    await print(flags.json === true ? JSON.stringify(group) : groupLine(group));
    return 0;
  } catch (error) {
    throw error instanceof Fault ? advised(error) : error;
  }
}
