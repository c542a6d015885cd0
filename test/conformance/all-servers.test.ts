/**
 * The official suite at the endpoint of all servers, where names carry a prefix: what does not call by a name of its
 * own passes, and everything else fails for that name alone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCell, type CellUnderTest } from './cells.ts';
import { REVISIONS, runSuite, type Outcome, type Scenario } from './suite.ts';

const NOT_SERVED = /^tasks-/;
/** Scenarios that call tools or prompts by names of their own, which carry a prefix behind `/mcp`. */
const BOUND_TO_NAMES =
  /^(?:tasks-|tools-call-|prompts-get-|elicitation-|completion-complete$|json-schema-|server-stateless$|input-required-result-(?!unsupported-methods$|validate-input$))/;
/** What the suite says where such a name is not there. */
const NAME_IS_MISSING =
  /Unknown (?:tool|prompt): \w+|does not list the diagnostic tool|Tool '\w+' not found|InputRequiredResult/;

let cell: CellUnderTest;

beforeAll(async () => {
  cell = await openCell('stdio-dual');
});
afterAll(() => cell?.[Symbol.asyncDispose]());

const namesOf = (scenarios: readonly Scenario[]): readonly string[] =>
  scenarios.map(({ name }) => name);
const failing = ({ scenarios }: Outcome): readonly Scenario[] =>
  scenarios.filter(({ failed }) => failed > 0);

describe.each(REVISIONS)('Revision %s', (revision) => {
  it('passes at /mcp in every scenario that is not bound to names', async () => {
    const outcome = await runSuite(cell.allUrl, revision);
    const free = outcome.scenarios.filter(({ name }) => !BOUND_TO_NAMES.test(name));
    const passed = free.reduce((sum, scenario) => sum + scenario.passed, 0);
    console.log(`${revision} at /mcp: ${free.length} scenarios, ${passed} checks passed`);
    expect(namesOf(free.filter(({ failed }) => failed > 0))).toEqual([]);
    expect(free.length).toBeGreaterThanOrEqual(revision === '2025-11-25' ? 15 : 14);
    for (const { name, checks } of failing(outcome)) {
      if (NOT_SERVED.test(name)) continue;
      for (const { id, errorMessage } of checks.filter(({ status }) => status === 'FAILURE'))
        expect(`${name} ${id}: ${errorMessage}`).toMatch(NAME_IS_MISSING);
    }
  });
});
