/**
 * Acceptance 4: `node test/load/leaks.ts --cycles 10000 --sessions 2000`.
 *
 * Starts and stops servers of every bad habit, then opens and leaves client sessions over HTTP, and looks at what
 * is left: processes, files, timers and other handles, listeners, anonymous memory. Exit code 1 where something is.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { runCycles } from './cycles.ts';
import { handles, openFiles, processListeners } from './resources.ts';
import { runSessions } from './sessions.ts';

const GROWTH_MIB_MAX = 5;
/** Memory is compared between the first fifth of the cycles and all of them: 2,000 and 10,000. */
const FIRST_SHARE = 5;
const LONG_RUN_CYCLES = 5_000;
const WARM_UP_CYCLES = 20;
const CLOSE_MS = 50;

/** The gateway's own flags (see its launcher), the collector, and sources instead of the build. */
const FLAGS = ['--conditions=source', '--expose-gc'];

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '10000' },
    sessions: { type: 'string', default: '2000' },
  },
});

async function main(): Promise<readonly string[]> {
  const cycles = Number(values.cycles);
  await runCycles([WARM_UP_CYCLES]); // whatever is loaded or opened once
  await runSessions(8);
  const before = { files: openFiles(), handles: handles(), listeners: processListeners() };
  const first = Math.ceil(cycles / FIRST_SHARE);
  const steps = Array.from({ length: FIRST_SHARE }, (_, step) => first * (step + 1));
  const report = await runCycles(steps);
  console.log('cycles  anonymous MiB  heap MiB  files');
  for (const mark of report.marks)
    console.log(
      `${String(mark.cycles).padStart(6)}  ${mark.anonymousMib.toFixed(1).padStart(13)}  ${mark.heapMib.toFixed(1).padStart(8)}  ${String(mark.files).padStart(5)}`,
    );
  const sessions = await runSessions(Number(values.sessions));
  await delay(CLOSE_MS); // handles are closed in the next turn
  const after = { files: openFiles(), handles: handles(), listeners: processListeners() };
  const [from, to] = [report.marks[0], report.marks.at(-1)];
  if (from === undefined || to === undefined) throw new Error('nothing was measured');
  // The process itself takes thousands of cycles to reach its size: a short run can only look at its objects.
  const grownMib =
    cycles < LONG_RUN_CYCLES ? to.heapMib - from.heapMib : to.anonymousMib - from.anonymousMib;
  console.log(
    `grown by ${grownMib.toFixed(1)} MiB over the cycles, ${sessions.grownMib.toFixed(1)} MiB over ${sessions.sessions} sessions`,
  );
  console.log(`${report.answered} calls answered, ${report.lost} lost`);
  console.log(`before ${JSON.stringify(before)}\nafter  ${JSON.stringify(after)}`);
  const checks: readonly (readonly [boolean, string])[] = [
    [report.processesLeft + sessions.processesLeft === 0, 'processes are left'],
    [sessions.sessionsLeft === 0, 'sessions are left'],
    [after.files <= before.files, 'files are left open'],
    [sumOf(after.handles) <= sumOf(before.handles), 'handles are left'],
    [after.listeners <= before.listeners, 'listeners are left'],
    [grownMib <= GROWTH_MIB_MAX, `memory grew by more than ${GROWTH_MIB_MAX} MiB over the cycles`],
    [sessions.grownMib <= GROWTH_MIB_MAX, `memory grew by more than ${GROWTH_MIB_MAX} MiB`],
    [report.marks.every(({ files }) => files <= before.files + 1), 'files pile up'],
    [report.lost === steps.length * first * 0.25, `a quarter of the calls is lost by crashes`],
  ];
  return checks.flatMap(([holds, sentence]) => (holds ? [] : [sentence]));
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

if (globalThis.gc === undefined) {
  const args = [...FLAGS, ...process.execArgv, ...process.argv.slice(1)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
} else {
  const problems = await main();
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  console.log(problems.length === 0 ? 'nothing is left' : `${problems.length} checks failed`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
