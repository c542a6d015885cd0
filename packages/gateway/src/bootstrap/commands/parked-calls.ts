/** `mcp-hangar calls parked`. */
import { ParkedCallsReport } from '../../application/operator/parked-calls-report.ts';
import { parkedCallsText } from '../../server/cli/parked-calls-text.ts';
import type { ParkedCallsFlags } from '../../server/cli/commands/calls.ts';
import { askGateway, readAnswer } from '../ask-gateway.ts';
import { print } from '../say.ts';

/** Prints the calls that wait. Answers the exit code. */
export async function parkedCalls(flags: ParkedCallsFlags): Promise<number> {
  const answer = await askGateway(flags, { query: 'list_parked_calls', input: {} });
  const report = readAnswer(ParkedCallsReport, answer);
  await print(
    flags.json === true ? JSON.stringify(report) : parkedCallsText(report, process.stdout.columns),
  );
  return 0;
}
