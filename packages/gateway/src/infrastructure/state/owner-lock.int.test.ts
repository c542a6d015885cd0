/** The lock of a state folder between real processes, and between two gateways of one process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeOwnerLock, type OwnerLock } from './owner-lock.ts';

const SOURCE = new URL('./owner-lock.ts', import.meta.url).href;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A process that says what it got, and holds it while it lives. */
async function holder(): Promise<{ readonly child: ChildProcess; readonly got: string }> {
  const script = `
    import { takeOwnerLock } from ${JSON.stringify(SOURCE)};
    const lock = await takeOwnerLock(${JSON.stringify(folder)});
    process.stdout.write(lock === 'held' ? 'held' : 'taken');
    setInterval(() => lock, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [got] = (await once(child.stdout, 'data')) as [Buffer]; // what a pipe gives
  return { child, got: String(got) };
}
const taken = (lock: OwnerLock | 'held'): OwnerLock => {
  if (lock === 'held') throw new Error('it is held');
  return lock;
};

test('a second gateway is refused, in this process and in another, until the first lets go', async () => {
  const lock = taken(await takeOwnerLock(folder));
  expect(await takeOwnerLock(folder)).toBe('held');
  expect(await takeOwnerLock(folder)).toBe('held');
  const other = await holder();
  expect(other.got).toBe('held');
  other.child.kill('SIGKILL');
  expect(await takeOwnerLock(folder)).toBe('held');
  lock.release();
  lock.release();
  taken(await takeOwnerLock(folder)).release();
});

test('a gateway that is killed holds it no longer than it lives', async () => {
  for (let round = 0; round < 3; round += 1) {
    const { child, got } = await holder();
    expect(got).toBe('taken');
    expect(await takeOwnerLock(folder)).toBe('held');
    child.kill('SIGKILL');
    await once(child, 'exit');
    taken(await takeOwnerLock(folder)).release();
  }
});

test('it leaves one file, and follows no link', async () => {
  taken(await takeOwnerLock(folder)).release();
  expect(readdirSync(folder)).toEqual(['owner.db']);
  rmSync(join(folder, 'owner.db'));
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'owner.db'));
  await expect(takeOwnerLock(folder)).rejects.toThrow('not a file of this user');
});
