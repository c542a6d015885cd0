/** The gateway as a client of the official suite's own servers. Authorization waits for a later build. */
import { describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { runClientScenario } from './suite.ts';

const DRIVER = fileURLToPath(new URL('client-driver.ts', import.meta.url));
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
