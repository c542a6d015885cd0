import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch, type Watching } from './file-watch.ts';

const INTERVAL_MS = 20;
/** A change is told one second after the last one. */
const TOLD_MS_MAX = 4_000;
const SETTLE_MS = 100;

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-watch-'));
  file = join(folder, 'config.yaml');
  writeFileSync(file, 'one');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Watched extends Disposable {
  readonly told: () => number;
  readonly problems: readonly string[];
  readonly set: (watching: Watching) => void;
}

async function watched(watching: Partial<Watching>): Promise<Watched> {
  let told = 0;
  const problems: string[] = [];
  const watch = new FileWatch({
    onChange: () => void (told += 1),
    onProblem: (where) => void problems.push(where),
  });
  watch.set({ files: [file], isTold: false, intervalMs: 0, ...watching });
  await delay(SETTLE_MS); // the first look
  return {
    told: () => told,
    problems,
    set: (next) => watch.set(next),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

/** How often it was told of a change by the time it should have been. */
async function toldUpTo(count: number, { told }: Watched): Promise<number> {
  const deadlineMs = performance.now() + TOLD_MS_MAX;
  while (told() < count && performance.now() < deadlineMs) await delay(INTERVAL_MS);
  return told();
}

const WAYS = [
  ['the system tells of it', { isTold: true }],
  ['it is looked at', { intervalMs: INTERVAL_MS }],
] as const;

describe.each(WAYS)('A file that changes, where %s,', (_how, way) => {
  it('is told of once, however often it is written in a moment', async () => {
    using watch = await watched(way);
    for (let at = 0; at < 5; at += 1) {
      writeFileSync(file, `text ${at}`);
      await delay(INTERVAL_MS);
    }
    await toldUpTo(1, watch);
    await delay(SETTLE_MS);
    expect(watch.told()).toBe(1);
  });

  it('is told of where another file takes its place, and again after that', async () => {
    using watch = await watched(way);
    for (const count of [1, 2]) {
      const beside = join(folder, 'config.yaml.new');
      writeFileSync(beside, `text ${count}`);
      renameSync(beside, file);
      expect(await toldUpTo(count, watch)).toBe(count);
    }
  });

  it('is not told of where another file beside it changes, or where nobody watches any more', async () => {
    const watch = await watched(way);
    writeFileSync(join(folder, 'other.yaml'), 'x');
    watch[Symbol.dispose]();
    writeFileSync(file, 'two');
    await delay(1_500);
    expect(watch.told()).toBe(0);
  });
});

it('A file behind a link is told of by a look, also where the link gets another target', async () => {
  const releases = ['one', 'two'].map((name) => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'config.yaml'), name);
    return path;
  });
  const current = join(folder, 'current');
  symlinkSync(releases[0] ?? '', current);
  using watch = await watched({
    files: [join(current, 'config.yaml')],
    intervalMs: INTERVAL_MS,
  });
  symlinkSync(releases[1] ?? '', join(folder, 'next'));
  renameSync(join(folder, 'next'), current);
  expect(await toldUpTo(1, watch)).toBe(1);
});

it('A file that goes and comes back is told of both times', async () => {
  using watch = await watched({ intervalMs: INTERVAL_MS });
  rmSync(file);
  expect(await toldUpTo(1, watch)).toBe(1);
  writeFileSync(file, 'again');
  expect(await toldUpTo(2, watch)).toBe(2);
});

it('A folder that cannot be watched is named, and what is in it is looked at all the same', async () => {
  const missing = join(folder, 'missing');
  using watch = await watched({
    files: [join(missing, 'config.yaml')],
    isTold: true,
    intervalMs: INTERVAL_MS,
  });
  expect(watch.problems).toEqual([missing]);
  mkdirSync(missing);
  writeFileSync(join(missing, 'config.yaml'), 'one');
  expect(await toldUpTo(1, watch)).toBe(1);
});

it('Another set of files takes the place of the one before', async () => {
  using watch = await watched({ intervalMs: INTERVAL_MS });
  const other = join(folder, 'other.yaml');
  writeFileSync(other, 'one');
  watch.set({ files: [other], isTold: false, intervalMs: INTERVAL_MS });
  await delay(SETTLE_MS);
  writeFileSync(file, 'two');
  writeFileSync(other, 'two');
  expect(await toldUpTo(1, watch)).toBe(1);
});
