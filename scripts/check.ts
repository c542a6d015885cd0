// `npm run check`: everything that a machine can say about a change before its tests meet real servers.
// With `--static` it runs no tests: CI has run them all before.
import { join } from 'node:path';
import { ROOT, runCommand, type CommandRun } from './run-command.ts';

const STEP_MS_MAX = 180_000;

interface Step {
  readonly name: string;
  readonly argv: readonly string[];
}

const tool = (file: string, ...args: string[]): readonly string[] => [
  process.execPath,
  join(ROOT, 'node_modules', file),
  ...args,
];
const script = (file: string, ...args: string[]): readonly string[] => [
  process.execPath,
  join(ROOT, 'scripts', file),
  ...args,
];

const isStatic = process.argv.includes('--static');
const UNIT_TESTS: Step = {
  name: 'unit tests',
  argv: tool('vitest/vitest.mjs', 'run', '--project', 'unit'),
};

// Two lanes run side by side. The first begins with the build, whose declarations the rest of it reads.
const LANES: readonly (readonly Step[])[] = [
  [
    { name: 'build', argv: tool('typescript/bin/tsc', '-b') },
    { name: 'bundle', argv: script('bundle.ts') },
    { name: 'lint', argv: tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings') },
    { name: 'types of tests', argv: tool('typescript/bin/tsc', '-p', 'tsconfig.test.json') },
    { name: 'reference', argv: script('generate-reference.ts', '--check') },
  ],
  [
    ...(isStatic ? [] : [UNIT_TESTS]),
    { name: 'unused code', argv: tool('knip/bin/knip.js') },
    { name: 'format', argv: tool('oxfmt/bin/oxfmt', '--check') },
    { name: 'names', argv: script('check-names.ts') },
    { name: 'lock file', argv: script('check-lock.ts') },
  ],
];

interface StepRun extends Step, CommandRun {}

async function runLane(lane: readonly Step[]): Promise<readonly StepRun[]> {
  const runs: StepRun[] = [];
  for (const step of lane) {
    runs.push({
      ...step,
      ...(await runCommand(step.argv, { output: 'keep', timeoutMs: STEP_MS_MAX })),
    });
  }
  return runs;
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1).padStart(6)} s`;

const startedMs = performance.now();
const runs = (await Promise.all(LANES.map(runLane))).flat();
const failed = runs.filter((run) => run.code !== 0);
for (const run of failed) console.log(`\n── ${run.name}\n${run.output.trimEnd()}`);
console.log('');
for (const run of runs) {
  console.log(
    `${run.code === 0 ? 'ok    ' : 'FAILED'}  ${run.name.padEnd(16)}${inSeconds(run.tookMs)}`,
  );
}
console.log(`        ${'all'.padEnd(16)}${inSeconds(performance.now() - startedMs)}`);
console.log(`\n${runs.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
