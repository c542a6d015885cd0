/**
 * The tasks extension of 2026-07-28, which no revision scores: every scenario of the official suite passes through the
 * gateway as it does without, in front of a server on stdio and one over HTTP.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, ROOT, startGateway, type GatewayProcess } from '../support/gateway.ts';
import { remote, tasksOverHttp, type RemoteServer } from '../support/remote.ts';
import { taskServer } from '../support/upstream.ts';
import type { Check } from './suite.ts';

const SUITE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const SCENARIO_MS_MAX = 60_000;
/** Checks that are made of each: fewer mean that the suite has skipped something. */
const SCENARIOS = {
  'tasks-lifecycle': 8,
  'tasks-capability-negotiation': 4,
  'tasks-wire-fields': 3,
  'tasks-request-state-removal': 2,
  'tasks-mrtr-input': 3,
  'tasks-request-headers': 4,
  'tasks-dispatch-and-envelope': 8,
  'tasks-required-task-error': 2,
  'tasks-mrtr-composition': 1,
} as const;

let gateway: GatewayProcess;
let http: RemoteServer;

beforeAll(async () => {
  http = await tasksOverHttp();
  gateway = await startGateway({
    mcp_servers: {
      stdio: taskServer(['--era=modern']),
      http: remote(http.url),
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await http?.[Symbol.asyncDispose]();
});

async function checksOf(scenario: string, server: string): Promise<readonly Check[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hangar-conformance-'));
  try {
    const url = gateway.url(server).replace('127.0.0.1', 'localhost');
    const args = ['server', '--url', url, '--scenario', scenario, '-o', folder];
    const options = { cwd: folder, env: environment(folder), timeout: SCENARIO_MS_MAX };
    const ended = new Promise<string>((resolve) => {
      execFile(process.execPath, [SUITE, ...args], options, (_error, out, err) =>
        resolve(`${out}\n${err}`),
      );
    });
    const output = await ended;
    const [made] = await readdir(folder);
    if (made === undefined) throw new Error(`The suite did not finish:\n${output}`);
    const text = await readFile(join(folder, made, 'checks.json'), 'utf8');
    return JSON.parse(text) as Check[]; // the suite's own format
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe.each(['stdio', 'http'])('The tasks extension of a server (%s)', (server) => {
  it.each(Object.entries(SCENARIOS))(
    'passes in %s',
    async (scenario, checksMin) => {
      const checks = await checksOf(scenario, server);
      const failed = checks.filter(({ status }) => status !== 'SUCCESS');
      expect(failed.map(({ id, errorMessage }) => `${id}: ${errorMessage}`)).toEqual([]);
      expect(checks.length).toBeGreaterThanOrEqual(checksMin);
    },
    SCENARIO_MS_MAX,
  );
});
