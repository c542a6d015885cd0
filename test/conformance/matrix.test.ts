/**
 * The official suite through the gateway: every way in which the fixture is served, in both eras. What a revision
 * scores passes, or an exception names the clause of the specification that makes it impossible.
 */
import { describe, expect, it } from 'vitest';
import { CELLS, openCell, type Cell } from './cells.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { runSuite, type Revision } from './suite.ts';
import { judge } from './verdict.ts';

const RUN_MS_MAX = 120_000;
/** Reported, not scored, and not served. */
const NOT_SERVED = /^tasks-/;
const SCORED: Readonly<Record<Revision, number>> = { '2025-11-25': 30, '2026-07-28': 37 };

/** Checks that pass today: fewer mean that the suite has skipped something. */
const PASSED_MIN: Readonly<Record<Cell, Readonly<Record<Revision, number>>>> = {
  'stdio-legacy': { '2025-11-25': 80, '2026-07-28': 161 },
  'stdio-dual': { '2025-11-25': 80, '2026-07-28': 164 },
  'http-legacy': { '2025-11-25': 80, '2026-07-28': 161 },
  'http-modern': { '2025-11-25': 80, '2026-07-28': 164 },
  'http-dual': { '2025-11-25': 80, '2026-07-28': 164 },
};

describe.each(CELLS)('In front of %s', (cell) => {
  it.each(['2025-11-25', '2026-07-28'] as const)(
    'the suite of revision %s passes but for what the protocol makes impossible',
    async (wire) => {
      await using fixture = await openCell(cell);
      const { scenarios, passed, failed, output } = await runSuite(fixture.url, wire);
      const verdict = judge({ cell, wire, scenarios }, EXCEPTIONS);
      const { unexpected, stale, excused, unscored } = verdict;
      console.log(
        [`${wire} at ${cell}: ${passed} passed, ${failed} failed`]
          .concat(excused.map((line) => `  excused ${line}`))
          .concat(unscored.map((line) => `  not scored ${line}`))
          .join('\n'),
      );
      if (unexpected.length > 0) console.log(output);
      expect({ unexpected, stale }).toEqual({ unexpected: [], stale: [] });
      expect(unscored.filter((line) => !NOT_SERVED.test(line))).toEqual([]);
      expect(scenarios.filter(({ isScored }) => isScored)).toHaveLength(SCORED[wire]);
      expect(passed).toBeGreaterThanOrEqual(PASSED_MIN[cell][wire]);
    },
    RUN_MS_MAX,
  );
});
