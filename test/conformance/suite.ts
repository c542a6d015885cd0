/** Runs the official conformance suite against a URL and reads what it wrote down. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, environment } from '../support/gateway.ts';

export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

const SUITE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const SUITE_MS_MAX = 120_000;

export interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

export interface Scenario {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  /** Whether the revision requires it. */
  readonly isScored: boolean;
  readonly checks: readonly Check[];
}

export interface Outcome {
  readonly exitCode: number;
  readonly passed: number;
  readonly failed: number;
  readonly scenarios: readonly Scenario[];
  readonly output: string;
}

/** Exactly the scenarios that a revision requires, and those that it reports without scoring. */
export async function runSuite(url: string, revision: Revision): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'hangar-conformance-'));
  try {
    const { exitCode, output } = await execute(
      ['server', '--url', url, '--requirements', revision, '-o', join(folder, 'out')],
      folder,
    );
    const total = /^Total: (\d+) passed, (\d+) failed/m.exec(output);
    if (total === null) throw new Error(`The suite did not finish:\n${output}`);
    const scenarios = await readScenarios(output, join(folder, 'out'));
    const [passed, failed] = [Number(total[1]), Number(total[2])];
    return { exitCode, passed, failed, scenarios, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One scenario of the server side alone, as if it were scored; `output` has everything that the suite says. */
export async function runScenario(
  url: string,
  revision: Revision,
  name: string,
): Promise<Pick<Outcome, 'exitCode' | 'scenarios' | 'output'>> {
  const folder = await mkdtemp(join(tmpdir(), 'hangar-conformance-'));
  try {
    const out = join(folder, 'out');
    const { exitCode, output } = await execute(
      ['server', '--url', url, '--scenario', name, '--spec-version', revision, '-o', out],
      folder,
    );
    const [written] = await readdir(out).catch(() => []);
    const checks = await readChecks(out, written);
    const count = (status: Check['status']): number =>
      checks.filter((check) => check.status === status).length;
    const scenario = { name, passed: count('SUCCESS'), failed: count('FAILURE'), isScored: true };
    return { exitCode, output, scenarios: [{ ...scenario, checks }] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One scenario of the other side: the suite serves, and the command gets the URL as its last argument. */
export async function runClientScenario(
  command: string,
  scenario: string,
  revision: Revision,
): Promise<Pick<Outcome, 'exitCode' | 'passed' | 'failed' | 'output'>> {
  const folder = await mkdtemp(join(tmpdir(), 'hangar-conformance-'));
  try {
    const args = ['--command', command, '--scenario', scenario, '--spec-version', revision];
    const { exitCode, output } = await execute(['client', ...args], folder);
    const total = /^Passed: (\d+)\/\d+, (\d+) failed/m.exec(output);
    if (total === null) throw new Error(`The suite did not finish:\n${output}`);
    return { exitCode, passed: Number(total[1]), failed: Number(total[2]), output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function execute(
  args: readonly string[],
  folder: string,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment(folder), timeout: SUITE_MS_MAX };
    const child = execFile(
      process.execPath,
      [SUITE, ...args],
      { ...options, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) =>
        resolve({ exitCode: child.exitCode ?? -1, output: `${stdout}\n${stderr}` }),
    );
  });
}

async function readScenarios(output: string, folder: string): Promise<readonly Scenario[]> {
  const [, summary = ''] = output.split('=== SUMMARY ===');
  const [scored = '', unscored = ''] = summary.split(/^Not scored/m);
  const folders = await readdir(folder);
  const lines = [...scored.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm)];
  return Promise.all(
    lines.map(async ([, name = '', passed, failed]) => ({
      name,
      passed: Number(passed),
      failed: Number(failed),
      isScored: !new RegExp(`^ +[✓✗] ${name} \\(`, 'm').test(unscored),
      checks: await readChecks(
        folder,
        folders.find((each) => each.startsWith(`server-${name}-2`)),
      ),
    })),
  );
}

async function readChecks(folder: string, name: string | undefined): Promise<readonly Check[]> {
  if (name === undefined) return [];
  const text = await readFile(join(folder, name, 'checks.json'), 'utf8');
  return JSON.parse(text) as Check[]; // the suite's own format
}
