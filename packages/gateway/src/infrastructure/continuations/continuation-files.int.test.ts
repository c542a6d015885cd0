import { chown, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { needs } from '../../../../../scripts/requirements.ts';
import { until } from '../../../../../test/support/until.ts';
import { ContinuationFiles, type ContinuationFilesOptions } from './continuation-files.ts';

/** Who gives a folder to somebody else is root. */
const root = needs('mounts', () => process.getuid?.() === 0);
const NOBODY = 65_534;

let temporary: string;
let folder: string;
let problems: string[];
const open: ContinuationFiles[] = [];
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hangar-continuations-'));
  folder = join(temporary, 'continuations');
  problems = [];
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((files) => files[Symbol.asyncDispose]()));
  await rm(temporary, { recursive: true, force: true });
});

function filesWith(options: Partial<ContinuationFilesOptions> = {}): ContinuationFiles {
  const files = new ContinuationFiles({
    folder,
    temporaryFolder: temporary,
    ttlMs: 60_000,
    bytesMax: 1_000_000,
    entriesMax: 100,
    memoryTextBytesMax: 100,
    onProblem: (reason) => void problems.push(reason),
    ...options,
  });
  open.push(files);
  return files;
}

const key = (id: string, owner = 'me'): { readonly id: string; readonly owner: string } => ({
  id,
  owner,
});
const text = (bytes: number): Buffer => Buffer.alloc(bytes, 'x');
const ALL = { offset: 0, limit: 2_000_000 };
const names = (): Promise<readonly string[]> => readdir(folder).catch(() => []);
const has = async (files: ContinuationFiles, id: string, owner?: string): Promise<boolean> =>
  (await files.page(key(id, owner), ALL)) !== undefined;

test('short texts are in memory, long ones in files of this user, and each is its owner’s', async () => {
  const files = filesWith();
  expect(await files.put(key('short'), text(100))).toBe(true);
  expect(await names()).toEqual([]);
  expect(await files.put(key('long'), text(101))).toBe(true);
  const [name] = await names();
  expect((await stat(join(folder, name ?? ''))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const id of ['short', 'long']) {
    expect(await has(files, id)).toBe(true);
    expect(await has(files, id, 'somebody else')).toBe(false);
    expect(await files.remove(key(id, 'somebody else'))).toBe(false);
    expect(await files.remove(key(id))).toBe(true);
    expect(await files.remove(key(id))).toBe(false);
  }
  expect(await names()).toEqual([]);
});

test('pages of a file and of memory, one after the other, are the whole', async () => {
  const files = filesWith();
  const pages = fc.string({ unit: 'grapheme', maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(pages, fc.integer({ min: 4, max: 50 }), async (whole, limit) => {
      await files.put(key('paged'), Buffer.from(whole));
      let [joined, offset] = ['', 0];
      for (;;) {
        const page = await files.page(key('paged'), { offset, limit });
        if (page === undefined) throw new Error('it is gone');
        expect(page.totalBytes).toBe(Buffer.byteLength(whole));
        expect(Buffer.byteLength(page.data)).toBeLessThanOrEqual(limit + 3);
        joined += page.data;
        offset = page.nextOffset;
        if (offset >= page.totalBytes) break;
      }
      expect(joined).toBe(whole);
      await files.remove(key('paged'));
    }),
    { numRuns: 50 },
  );
});

test('what is no UTF-8 is kept as a text all the same', async () => {
  const files = filesWith();
  await files.put(key('broken'), Buffer.from([0x61, 0x80, 0x80, 0x80, 0x80, 0x80, 0x62]));
  expect((await files.page(key('broken'), ALL))?.data).toBe('a\ufffd\ufffd\ufffd\ufffd\ufffdb');
});

test('the oldest of whoever has most makes room, so that nobody pushes out another’s', async () => {
  const files = filesWith({ bytesMax: 1_000 });
  await files.put(key('mine'), text(90));
  for (let n = 0; n < 20; n += 1)
    expect(await files.put(key(`greedy-${n}`, 'greedy'), text(200))).toBe(true);
  expect(await has(files, 'mine')).toBe(true);
  const greedy = await Promise.all(
    Array.from({ length: 20 }, (_, n) => has(files, `greedy-${n}`, 'greedy')),
  );
  expect(greedy).toEqual(Array.from({ length: 20 }, (_, n) => n >= 16));
  await until('files go with their texts', async () => (await names()).length === 4);
  expect(await files.put(key('never'), text(1_001))).toBe(false);
  expect(await has(files, 'mine')).toBe(true);
});

test('where the number is short the oldest of whoever has most texts goes, however short they are', async () => {
  const files = filesWith({ entriesMax: 10 });
  await files.put(key('mine'), text(5_000));
  for (let n = 0; n < 20; n += 1) await files.put(key(`tiny-${n}`, 'greedy'), text(1));
  expect(await has(files, 'mine')).toBe(true);
  expect(await has(files, 'tiny-19', 'greedy')).toBe(true);
  expect(await has(files, 'tiny-0', 'greedy')).toBe(false);
});

test('those that come together do not take more than there is', async () => {
  const files = filesWith({ bytesMax: 1_000 });
  const kept = await Promise.all(
    Array.from({ length: 20 }, (_, n) => files.put(key(`one-${n}`), text(300))),
  );
  expect(kept.filter(Boolean)).toHaveLength(3);
  const there = await Promise.all(Array.from({ length: 20 }, (_, n) => has(files, `one-${n}`)));
  expect(there).toEqual(kept);
});

test('a text expires, and its file with it', async () => {
  const files = filesWith({ ttlMs: 30 });
  expect(await files.put(key('short'), text(10))).toBe(true);
  expect(await files.put(key('long'), text(500))).toBe(true);
  await until(
    'it is expired',
    async () => !(await has(files, 'short')) && !(await has(files, 'long')),
  );
  await until('its file is gone', async () => (await names()).length === 0);
});

test('a disk that cannot be written is told once; memory holds what it can', async () => {
  const blocker = join(temporary, 'in-the-way');
  await writeFile(blocker, '');
  const below = join(blocker, 'continuations');
  const files = filesWith({ folder: below, bytesMax: 100_000_000 });
  expect(await files.put(key('a'), text(1_000))).toBe(true);
  expect(await files.put(key('b'), text(1_000))).toBe(true);
  expect(problems).toHaveLength(1);
  expect(await files.put(key('huge'), text(40_000_000))).toBe(false);
  expect([await has(files, 'a'), await has(files, 'b')]).toEqual([true, true]);
  await rm(blocker);
  expect(await files.put(key('c'), text(1_000))).toBe(true);
  expect(await readdir(below)).toHaveLength(1);
});

test('a folder that somebody removes is made again', async () => {
  const files = filesWith();
  await files.put(key('a'), text(1_000));
  await rm(folder, { recursive: true });
  expect(await has(files, 'a')).toBe(false);
  expect(await files.put(key('b'), text(1_000))).toBe(true);
  expect(await files.put(key('c'), text(1_000))).toBe(true);
  expect(await has(files, 'c')).toBe(true);
});

test('what a process left behind that was killed goes at the next start', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'left.json'), 'left');
  const files = filesWith();
  await files.put(key('a'), text(1_000));
  expect(await names()).toHaveLength(1);
  await files[Symbol.asyncDispose]();
  expect((await readdir(temporary)).toSorted()).toEqual([]);
  expect(await files.put(key('b'), text(10))).toBe(false);
});

test.skipIf(root.isMissing)(
  `what another user has named like that stays ${root.mark}`,
  async () => {
    const foreign = join(temporary, 'mcp-hangar-results-999999999-foreign');
    await mkdir(foreign);
    await writeFile(join(foreign, 'theirs'), '');
    await chown(foreign, NOBODY, NOBODY);
    const files = filesWith({ folder: undefined });
    await files.put(key('long'), text(1_000));
    expect(await readdir(foreign)).toEqual(['theirs']);
  },
);

test('a link is not followed, and none is taken for what a process left behind', async () => {
  const precious = join(temporary, 'precious');
  const link = 'mcp-hangar-results-999999999-link';
  await mkdir(precious);
  await writeFile(join(precious, 'mine'), '');
  await symlink(precious, join(temporary, link));
  const files = filesWith({ folder: undefined });
  await files.put(key('long'), text(1_000));
  expect(await readdir(temporary)).toContain(link);
  expect(await readdir(precious)).toEqual(['mine']);
});

test('without a folder there is a private one, made when it is needed, beside those of processes that live', async () => {
  const own = `mcp-hangar-results-${process.pid}-live`;
  await mkdir(join(temporary, own));
  await mkdir(join(temporary, 'mcp-hangar-results-999999999-gone'));
  const files = filesWith({ folder: undefined });
  await files.put(key('short'), text(10));
  expect(await readdir(temporary)).toHaveLength(2);
  await files.put(key('long'), text(1_000));
  const made = (await readdir(temporary)).filter((name) => name !== own);
  expect(made).toEqual([expect.stringMatching(new RegExp(`^mcp-hangar-results-${process.pid}-`))]);
  expect((await stat(join(temporary, made[0] ?? ''))).mode & 0o777).toBe(0o700);
  await files[Symbol.asyncDispose]();
  expect(await readdir(temporary)).toEqual([own]);
});
