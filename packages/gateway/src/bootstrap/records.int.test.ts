/** What a gateway does with an event log that was damaged. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SILENT } from '../../test-kit/scripted-launcher.ts';
import { mcpServerStream } from '../domain/mcp-server/events.ts';
import { loadGatewayConfig } from './config/load-config.ts';
import { openRecords, type Records } from './records.ts';

const PAGE_BYTES = 4_096;
const PAGES = 12;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-records-'));
});
afterEach(() => rm(folder, { recursive: true }));

function open(): Promise<Records> {
  const loaded = loadGatewayConfig({ path: undefined, text: undefined, env: {} });
  if (!loaded.ok) throw new Error('an empty configuration is valid');
  return openRecords({
    config: loaded.value,
    state: { kind: 'open', path: folder, isExplicit: false },
    clock: { nowMs: () => 5 },
    logger: SILENT,
  });
}

function damage(page: number): void {
  const file = openSync(join(folder, 'events.db'), 'r+');
  writeSync(file, Buffer.alloc(PAGE_BYTES, 0xa5), 0, PAGE_BYTES, page * PAGE_BYTES);
  closeSync(file);
}

test('whichever page of the log is damaged, the gateway starts, and says so where it noticed', async () => {
  const told: unknown[] = [];
  const toldAnybody = new Set<unknown>();
  for (let page = 1; page < PAGES; page += 1) {
    await rm(join(folder, 'events.db'), { force: true });
    {
      await using records = await open();
      for (let at = 0; at < 200; at += 1)
        records.recorder.record(mcpServerStream('files'), {
          type: 'McpServerStopped',
          data: { mcp_server_id: 'files', reason: 'idle' },
        });
    }
    damage(page);
    await using records = await open();
    told.push(records.problem()?.reason);
    toldAnybody.add(records.problem()?.publicReason);
    expect(records.past.size).toBeLessThanOrEqual(1);
  }
  expect(told[0]).toMatch(/malformed/);
  expect(told[0]).toContain(folder);
  toldAnybody.delete(undefined); // nobody noticed
  const publicly = 'the event log cannot be used; "mcp-hangar status" tells why';
  expect([...toldAnybody]).toEqual([publicly]);
});
