/**
 * Remote servers under the official suite: as a server with fixtures behind HTTP of either era, and as a client of the
 * suite's own servers. What is required passes; authorization waits for a later build.
 */
import { describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { startGateway } from '../support/gateway.ts';
import { conformanceOverHttp, remote } from '../support/remote.ts';
import { runClientScenario, runSuite } from './suite.ts';

const DRIVER = fileURLToPath(new URL('client-driver.ts', import.meta.url));
const NOT_SERVED = /^tasks-/;

/** Checks that pass today: fewer mean that the suite has skipped something. */
const PAIRS = [
  { era: 'legacy', revision: '2025-11-25', passedMin: 80, scored: 30 },
  { era: 'modern', revision: '2026-07-28', passedMin: 161, scored: 37 },
  { era: 'dual', revision: '2025-11-25', passedMin: 80, scored: 30 },
  { era: 'dual', revision: '2026-07-28', passedMin: 161, scored: 37 },
] as const;

describe('The server suite', () => {
  it.each(PAIRS)(
    'passes at revision $revision with a fixture behind $era HTTP',
    async ({ era, revision, passedMin, scored }) => {
      await using server = await conformanceOverHttp(era);
      await using gateway = await startGateway({ mcp_servers: { fixture: remote(server.url) } });
      // The suite tests for DNS rebinding with a Host of its own and wants a name in the URL.
      const url = gateway.url('fixture').replace('127.0.0.1', 'localhost');
      const { exitCode, passed, failed, scenarios, output } = await runSuite(url, revision);
      console.log(`${revision} over ${era} HTTP: ${passed} passed, ${failed} failed`);
      if (exitCode !== 0) console.log(output);
      const failing = scenarios.filter((each) => each.failed > 0).map(({ name }) => name);
      expect(failing.filter((name) => !NOT_SERVED.test(name))).toEqual([]);
      expect(scenarios.filter(({ isScored }) => isScored)).toHaveLength(scored);
      expect(passed).toBeGreaterThanOrEqual(passedMin);
      expect(exitCode).toBe(0);
    },
  );
});

describe('The client suite', () => {
  it.each([
    ['2025-11-25', 'initialize', 1],
    ['2025-11-25', 'tools_call', 2],
    ['2025-11-25', 'elicitation-sep1034-client-defaults', 5],
    ['2025-11-25', 'sse-retry', 3],
    ['2026-07-28', 'tools_call', 2],
    ['2026-07-28', 'request-metadata', 5],
    ['2026-07-28', 'sep-2322-client-request-state', 5],
    ['2026-07-28', 'http-standard-headers', 11],
    ['2026-07-28', 'http-custom-headers', 18],
    ['2026-07-28', 'http-invalid-tool-headers', 12],
    ['2026-07-28', 'json-schema-ref-no-deref', 1],
    ['2026-07-28', 'json-schema-2020-12-preservation', 9],
  ] as const)('passes at revision %s in %s', async (revision, scenario, passedMin) => {
    const outcome = await runClientScenario(`${process.execPath} ${DRIVER}`, scenario, revision);
    if (outcome.exitCode !== 0) console.log(outcome.output);
    expect(outcome).toMatchObject({ exitCode: 0, failed: 0 });
    expect(outcome.passed).toBeGreaterThanOrEqual(passedMin);
  });
});
