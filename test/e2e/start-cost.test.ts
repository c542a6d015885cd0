/**
 * What a start costs, without a clock: AI clients start a gateway for each session and wait for it. How long they wait
 * is measured by `node test/load/start.ts`, and why it is so little is in ADR 11.
 */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { StdioClient } from '../support/stdio.ts';
import { environment, fileOf } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const COUNTING = fileURLToPath(new URL('../fixtures/start-cost/main.mjs', import.meta.url));

/** Each further one costs half a millisecond: what is loaded together is put together (`scripts/bundle.ts`). */
const FILES = ['main.js', 'serve.js', 'rolldown-runtime.js', 'gateway.js', 'config.js'];
const BYTES_MAX = 950_000;
/** Each takes 20 µs in a process that has just begun; a schema of all keys has 1,500. */
const SCHEMAS_MAX = 150;

interface Cost {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly schemas: number;
}

const target = (file: string, folder: string) => ({
  command: process.execPath,
  args: [COUNTING, 'serve', '--config', file],
  cwd: folder,
  env: environment(folder),
});

/** Starts a gateway, has it list its tools, and ends it. */
async function costOf(file: string, folder: string): Promise<Cost> {
  await using client = StdioClient.at(target(file, folder));
  await client.initialize();
  await client.request('tools/list');
  const written = await until('the cost is told', () => /^COST (.*)$/m.exec(client.stderr)?.[1]);
  client.child.stdin.end();
  await client.exited;
  return JSON.parse(written) as Cost; // written by our own fixture
}

it('A start with known servers loads five files and makes few schemas', async () => {
  const servers = { one: upstream(), two: upstream([], { env: { A: '1' }, cwd: '/' }) };
  const { folder, file } = await fileOf({ mcp_servers: servers });
  let cost: Cost;
  try {
    // The first one learns what the servers have, and leaves a log behind.
    await costOf(file, folder);
    cost = await costOf(file, folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  const { files, bytes, schemas } = cost;
  expect(files.toSorted()).toEqual(FILES.toSorted());
  expect(bytes).toBeLessThan(BYTES_MAX);
  expect(schemas).toBeLessThan(SCHEMAS_MAX);
});
