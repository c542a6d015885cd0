// `npm test`: every vitest project, then what was skipped and why. Arguments go to vitest
// (`npm test -- --project unit`). The last line is `N passed, N failed`, for scripts.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { REQUIREMENTS } from './requirements.ts';
import { ROOT, runCommand } from './run-command.ts';

/** Twice what it takes where nothing else runs. */
const VITEST_MS_MAX = 30 * 60_000;

const VitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});
type VitestReport = z.infer<typeof VitestReport>;

function readReport(file: string): VitestReport | undefined {
  try {
    return VitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    console.error(`cannot read vitest's report: ${String(error)}`);
    return undefined; // counted as a failure by the caller
  }
}

/** Skipped tests by the mark in their name, the unmarked ones under ''. */
function skippedByNeed(report: VitestReport): Map<string, number> {
  const skipped = new Map<string, number>();
  for (const test of report.testResults.flatMap((file) => file.assertionResults)) {
    if (!['pending', 'skipped', 'todo', 'disabled'].includes(test.status)) continue;
    const need = /\[needs: ([^\]]+)\]/.exec(test.fullName)?.[1] ?? '';
    skipped.set(need, (skipped.get(need) ?? 0) + 1);
  }
  return skipped;
}

function tell(skipped: ReadonlyMap<string, number>): void {
  if (skipped.size === 0) return;
  const howTo: Readonly<Record<string, string>> = REQUIREMENTS;
  console.log('\nSkipped:');
  for (const [need, count] of skipped) {
    const why =
      need === ''
        ? 'by `skip` or `todo` in the test itself'
        : `need ${need}: ${howTo[need] ?? 'no hint: add one to scripts/requirements.ts'}` +
          ` (HANGAR_REQUIRE=${need} fails instead)`;
    console.log(`  ${count} ${why}`);
  }
}

const reportFile = join(ROOT, 'out', 'vitest.json');
mkdirSync(join(ROOT, 'out'), { recursive: true });
rmSync(reportFile, { force: true });
const { code } = await runCommand(
  [
    process.execPath,
    join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    '--reporter=./scripts/flaky-tests.ts',
    `--outputFile.json=${reportFile}`,
    ...process.argv.slice(2),
  ],
  { output: 'show', timeoutMs: VITEST_MS_MAX },
);
const report = readReport(reportFile);
if (report) tell(skippedByNeed(report));
// A file that cannot be loaded has no failed test of its own, nor has an unhandled error.
const brokenFiles = (report?.testResults ?? []).filter(
  (file) =>
    file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
).length;
const counted = (report?.numFailedTests ?? 1) + brokenFiles;
const failed = code !== 0 && counted === 0 ? 1 : counted;
console.log(`\n${report?.numPassedTests ?? 0} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
