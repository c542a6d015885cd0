/** `mcp-hangar calls parked`. */
import { ParkedCallsReport } from '../application/operator/parked-calls-report.ts';
import { parkedCallsText } from '../server/cli/parked-calls-text.ts';
import type { ParkedCallsFlags } from '../server/cli/program.ts';
import { askGateway } from './ask-gateway.ts';
import { say, SYSTEM_ERROR } from './say.ts';

/** Prints the calls that wait. Answers the exit code. */
export async function parkedCalls(flags: ParkedCallsFlags): Promise<number> {
  const answer = await askGateway(flags, { query: 'list_parked_calls', input: {} });
  if ('code' in answer) return answer.code;
  const report = ParkedCallsReport.safeParse(answer.value);
  if (!report.success) {
    say('mcp-hangar: the answer of the gateway cannot be read; it is of another version');
    return SYSTEM_ERROR;
  }
  const text =
    flags.json === true
      ? JSON.stringify(report.data)
      : parkedCallsText(report.data, process.stdout.columns);
  process.stdout.on('error', () => undefined); // whoever read has read enough
  await new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
  return 0;
}
