/**
 * The official suite through the gateway, in front of a dual-era server on stdio. No expected failures: what the
 * revisions require passes, and only the tasks extension, which no revision scores, does not.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { conformanceServer } from '../support/upstream.ts';
import { REVISIONS, runSuite, type Outcome, type Revision, type Scenario } from './suite.ts';

/** Checks that pass today: fewer mean that the suite has skipped something. */
const PASSED_MIN: Readonly<Record<Revision, number>> = { '2025-11-25': 80, '2026-07-28': 164 };
const NOT_SERVED = /^tasks-/;
/** Scenarios that call tools or prompts by names of their own, which carry a prefix behind `/mcp`. */
const BOUND_TO_NAMES =
  /^(?:tasks-|tools-call-|prompts-get-|elicitation-|completion-complete$|json-schema-|server-stateless$|input-required-result-(?!unsupported-methods$|validate-input$))/;
/** What the suite says where such a name is not there. */
const NAME_IS_MISSING =
  /Unknown (?:tool|prompt): \w+|does not list the diagnostic tool|Tool '\w+' not found|InputRequiredResult/;

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway({ mcp_servers: { fixture: conformanceServer() } });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** The suite tests for DNS rebinding with a Host of its own and wants a name in the URL. */
const urlOf = (server?: string): string => gateway.url(server).replace('127.0.0.1', 'localhost');
const namesOf = (scenarios: readonly Scenario[]): readonly string[] =>
  scenarios.map(({ name }) => name);
const failing = ({ scenarios }: Outcome): readonly Scenario[] =>
  scenarios.filter(({ failed }) => failed > 0);

describe.each(REVISIONS)('Revision %s', (revision) => {
  it('passes at /mcp/SERVER, where names are bare', async () => {
    const outcome = await runSuite(urlOf('fixture'), revision);
    console.log(`${revision} at /mcp/SERVER: ${outcome.passed} passed, ${outcome.failed} failed`);
    if (outcome.exitCode !== 0) console.log(outcome.output);
    expect(outcome.exitCode).toBe(0);
    expect(outcome.passed).toBeGreaterThanOrEqual(PASSED_MIN[revision]);
    const scored = outcome.scenarios.filter(({ isScored }) => isScored);
    expect(scored.length).toBe(revision === '2025-11-25' ? 30 : 37);
    expect(namesOf(failing(outcome)).filter((name) => !NOT_SERVED.test(name))).toEqual([]);
  });

  it('passes at /mcp in every scenario that is not bound to names', async () => {
    const outcome = await runSuite(urlOf(), revision);
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
