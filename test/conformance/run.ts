/**
 * `npm run conformance`: the official suite through the built gateway, with every failed check.
 * `-- --cell stdio-legacy --wire 2026-07-28` runs one cell alone, `--scenario NAME` one scenario of it;
 * `--verbose` adds what the suite and the gateway say.
 */
import { parseArgs } from 'node:util';
import { CELLS, openCell, type Cell } from './cells.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { REVISIONS, runScenario, runSuite, type Revision, type Scenario } from './suite.ts';
import { judge } from './verdict.ts';

const { values: flags } = parseArgs({
  options: {
    cell: { type: 'string', multiple: true, default: [...CELLS] },
    wire: { type: 'string', multiple: true, default: [...REVISIONS] },
    scenario: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const { scenario } = flags;
const table: string[] = [];

const sum = (scenarios: readonly Scenario[], which: 'passed' | 'failed'): number =>
  scenarios.reduce((total, each) => total + each[which], 0);

async function run(cell: Cell, wire: Revision): Promise<void> {
  await using fixture = await openCell(cell);
  const startedMs = performance.now();
  const { scenarios, output } =
    scenario === undefined
      ? await runSuite(fixture.url, wire)
      : await runScenario(fixture.url, wire, scenario);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  // A scenario that runs alone says nothing of the exceptions of the others.
  const known = EXCEPTIONS.filter((each) => scenario === undefined || each.scenario === scenario);
  const { unexpected, excused, stale, unscored } = judge({ cell, wire, scenarios }, known);
  const scored = scenarios.filter(({ isScored }) => isScored);
  table.push(
    `${cell.padEnd(13)} ${wire}  scored ${sum(scored, 'passed')} passed, ${sum(scored, 'failed')} failed` +
      ` (${excused.length} excused); all ${sum(scenarios, 'passed')} passed, ${sum(scenarios, 'failed')} failed; ${seconds} s`,
  );
  console.log(`\n${table.at(-1)}`);
  const print = (mark: string, lines: readonly string[]): void =>
    lines.forEach((line) => console.log(`  ${mark} ${line}`));
  print('FAILED', unexpected);
  print('STALE', stale);
  print('excused', excused);
  print('not scored', unscored);
  if (flags.verbose) console.log(`${output}\n${fixture.log()}`);
  if (unexpected.length + stale.length > 0) process.exitCode = 1;
}

for (const cell of CELLS.filter((each) => flags.cell.includes(each)))
  for (const wire of REVISIONS.filter((each) => flags.wire.includes(each))) await run(cell, wire);
console.log(`\n${table.join('\n')}`);
