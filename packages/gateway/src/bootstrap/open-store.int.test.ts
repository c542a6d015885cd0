/** Which file a gateway takes for its event log. */
import { chmodSync, chownSync, existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../../../../scripts/requirements.ts';
import { openStore } from './open-store.ts';

const linux = needs('linux', () => process.platform === 'linux');
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const ENDS = ['', '-wal', '-shm'] as const;
const EVENT = {
  id: 'a',
  type: 'Said',
  schemaVersion: 1,
  data: {},
  occurredAtMs: 1,
  producedBy: 'test',
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-store-'));
  path = join(folder, 'events.db');
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o777;

/** Not ours: root gives one away, others find one of root's behind a link. */
function makeForeign(file: string): number {
  if (!isRoot) symlinkSync('/etc/hosts', file);
  else {
    writeFileSync(file, '');
    chownSync(file, NOBODY, NOBODY);
  }
  return isRoot ? NOBODY : 0;
}

describe.skipIf(linux.isMissing)(`The file of an event log ${linux.mark}`, () => {
  it.each(ENDS)('is refused where its part "%s" belongs to somebody else', async (end) => {
    const owner = makeForeign(path + end);
    await expect(openStore({ kind: 'sqlite', path })).rejects.toMatchObject({
      code: 'EVENT_STORE_UNAVAILABLE',
      message: `Cannot use event log "${path}": "${path}${end}" belongs to user ${owner}`,
    });
  });

  it('is refused where a link leads to what belongs to somebody else', async () => {
    makeForeign(join(folder, 'theirs'));
    symlinkSync(join(folder, 'theirs'), path);
    await expect(openStore({ kind: 'sqlite', path })).rejects.toThrow(/belongs to user \d+/);
  });

  it('is closed to the writing of others before anything is written, and what SQLite adds too', async () => {
    writeFileSync(path, '');
    chmodSync(path, 0o666);
    await using store = await openStore({ kind: 'sqlite', path });
    expect(modeOf(path)).toBe(0o644);
    await store.append({ stream: 'tool_calls:up', expected: 'any', events: [EVENT] });
    expect(ENDS.map((end) => modeOf(path + end))).toEqual([0o644, 0o644, 0o644]);
  });

  it('keeps a mode that lets nobody write, and may be a link of ours', async () => {
    const real = join(folder, 'real.db');
    writeFileSync(real, '');
    chmodSync(real, 0o600);
    symlinkSync(real, path);
    await using store = await openStore({ kind: 'sqlite', path });
    await store.append({ stream: 'tool_calls:up', expected: 'any', events: [EVENT] });
    expect(modeOf(real)).toBe(0o600);
  });

  it('is not made before something is written', async () => {
    await using store = await openStore({ kind: 'sqlite', path });
    expect([await store.version('tool_calls:up'), existsSync(path)]).toEqual([0, false]);
  });
});
