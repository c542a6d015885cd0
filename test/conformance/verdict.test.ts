import { describe, expect, it } from 'vitest';
import type { Exception } from './exceptions.ts';
import type { Check, Scenario } from './suite.ts';
import { judge, type Run } from './verdict.ts';

const check = (id: string, status: Check['status']): Check => ({ id, status, errorMessage: 'no' });
const scenario = (name: string, checks: readonly Check[], isScored = true): Scenario => ({
  name,
  passed: checks.filter(({ status }) => status === 'SUCCESS').length,
  failed: checks.filter(({ status }) => status === 'FAILURE').length,
  isScored,
  checks,
});
const run = (...scenarios: Scenario[]): Run => ({
  cell: 'stdio-legacy',
  wire: '2026-07-28',
  scenarios,
});
const exception = (over: Partial<Exception> = {}): Exception => ({
  cell: 'stdio-legacy',
  wire: '2026-07-28',
  scenario: 'ping',
  clause: 'a clause',
  why: 'a reason',
  ...over,
});
const failing = scenario('ping', [check('answer', 'FAILURE'), check('other', 'SUCCESS')]);
const passing = scenario('ping', [check('answer', 'SUCCESS'), check('other', 'WARNING')]);

describe('The verdict on a run', () => {
  it('is unexpected failure where a scored check fails and nothing excuses it', () => {
    expect(judge(run(failing), [])).toMatchObject({
      unexpected: ['ping answer: no'],
      excused: [],
      stale: [],
    });
  });

  it('excuses the named check of the cell', () => {
    const verdict = judge(run(failing), [exception({ check: 'answer' })]);
    expect(verdict).toMatchObject({ unexpected: [], excused: ['ping answer: no'], stale: [] });
  });

  it('excuses every check of a scenario where none is named', () => {
    expect(judge(run(failing), [exception()])).toMatchObject({ unexpected: [], stale: [] });
  });

  it.each([
    ['another cell', { cell: 'http-legacy' }],
    ['another wire', { wire: '2025-11-25' }],
  ] as const)('excuses nothing by an exception of %s', (_, over) => {
    const verdict = judge(run(failing), [exception(over)]);
    expect(verdict).toMatchObject({ unexpected: ['ping answer: no'], stale: [] });
  });

  it('finds an exception stale where its check passes, warns or did not run', () => {
    const stale = ['ping answer: stale exception, it did not fail'];
    expect(judge(run(passing), [exception({ check: 'answer' })])).toMatchObject({ stale });
    expect(judge(run(), [exception({ check: 'answer' })])).toMatchObject({ stale });
    expect(judge(run(passing), [exception({ check: 'other' })]).stale).toHaveLength(1);
    expect(judge(run(passing), [exception()]).stale).toHaveLength(1);
  });

  it('reports what is not scored and judges it by nothing', () => {
    const verdict = judge(run(scenario('tasks', [check('a', 'FAILURE')], false)), []);
    expect(verdict).toEqual({ unexpected: [], stale: [], excused: [], unscored: ['tasks a: no'] });
  });
});
