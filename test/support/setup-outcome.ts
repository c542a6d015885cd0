/** What tests of `init`, `import` and `connect` have in common. */
import { expect } from 'vitest';
import type { Outcome } from './client-home.ts';

export const CONFIG = '.config/mcp-hangar/config.yaml';
export const SECRETS = '.config/mcp-hangar/secrets.env';

/** Every value of the fixtures that nobody may see. */
export const HIDDEN: readonly string[] = [
  'ghp_fixtureFixtureFixture0000000000000001',
  'ghp_fixtureFixtureFixture0000000000000002',
  's3cr3t-pa55',
  'ntn_fixture',
  'sk_test_fixture',
  'Zm94dHVyZTEyMzQ1',
  'fixture-kagi-key-0001',
];

/** What went well, and showed no secret and no stack trace. */
export function good(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ code: 0 });
  quiet(outcome);
  return outcome;
}

export function quiet({ stdout, stderr }: Outcome): void {
  for (const secret of HIDDEN) expect(stdout + stderr).not.toContain(secret);
  expect(stderr).not.toMatch(/^ +at /m);
}

export interface Report {
  readonly servers: readonly {
    readonly client: string;
    readonly name: string;
    readonly outcome: string;
    readonly id: string | null;
    readonly reason: string | null;
    readonly notes: readonly string[];
  }[];
  readonly clients: readonly Record<string, unknown>[];
  readonly files: readonly {
    readonly path: string;
    readonly change: string;
    readonly diff: string;
  }[];
  readonly [member: string]: unknown;
}
export const report = (outcome: Outcome): Report => JSON.parse(good(outcome).stdout) as Report;
