/** `mcp-hangar sagas`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { processesReport, ProcessesReport } from '../../application/operator/processes-report.ts';
import { readGroupPast } from '../../application/groups/group-past.ts';
import { pendingIn, readProcesses } from '../../application/processes/past-processes.ts';
import type { SagasFlags } from '../../server/cli/commands/sagas.ts';
import { processesText } from '../../server/cli/processes-text.ts';
import { askGateway, readAnswer } from '../ask-gateway.ts';
import { print } from '../say.ts';
import { newStore } from '../open-store.ts';
import { findLog, isThere } from './find-log.ts';

/** Prints what is pending. Answers the exit code. */
export async function sagas(flags: SagasFlags): Promise<number> {
  const report = (await ofGateway(flags)) ?? (await ofLog(flags));
  await print(
    flags.json === true ? JSON.stringify(report) : processesText(report, process.stdout.columns),
  );
  return 0;
}

/** Undefined where none runs. */
async function ofGateway(flags: SagasFlags): Promise<ProcessesReport | undefined> {
  try {
    const answer = await askGateway(flags, { query: 'list_processes', input: {} });
    return readAnswer(ProcessesReport, answer);
  } catch (error) {
    if (error instanceof Fault && error.code === 'GATEWAY_NOT_RUNNING') return undefined;
    throw error;
  }
}

/** What the next gateway goes on with. */
async function ofLog(flags: SagasFlags): Promise<ProcessesReport> {
  const { place } = await findLog(flags);
  const nowMs = Date.now();
  if (!isThere(place)) return processesReport({ nowMs, steps: [] });
  const store = await newStore(place);
  try {
    return processesReport({
      nowMs,
      steps: pendingIn(await readProcesses(store), await readGroupPast(store)),
    });
  } finally {
    await store[Symbol.asyncDispose]();
  }
}
