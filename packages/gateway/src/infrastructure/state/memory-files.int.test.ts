import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../../test/support/until.ts';
import { specOf } from '../../../test-kit/scripted-launcher.ts';
import type { ServerMemory } from '../../application/ports.ts';
import { MemoryFiles } from './memory-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-memory-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const MEMORY: ServerMemory = {
  eras: { legacy: true, modern: undefined, seenAtMs: 7 },
  catalogs: [
    [
      'legacy {}',
      {
        era: 'legacy',
        hello: { capabilities: { tools: {} } },
        tools: [{ name: 'read', inputSchema: { type: 'object' }, x: [1, { y: null }] }],
        prompts: [],
        resources: [],
        resourceTemplates: [],
        incomplete: 'tools/list has no end',
        uncallable: new Set(['bad']),
      },
    ],
  ],
};
const spec = specOf({ id: 'files', digest: 'one' });

const filesIn = (problems: unknown[] = []): MemoryFiles =>
  new MemoryFiles({
    folder: join(folder, 'catalogs'),
    onProblem: (reason) => problems.push(reason),
  });

test('what is saved is there at the next start, for the same server only', async () => {
  const files = filesIn();
  files.save(spec, MEMORY);
  await files[Symbol.asyncDispose]();
  expect(filesIn().load(spec)).toEqual(MEMORY);
  expect(filesIn().load(specOf({ id: 'files', digest: 'two' }))).toBeUndefined();
  expect(filesIn().load(specOf({ id: 'other', digest: 'one' }))).toBeUndefined();
  const file = await stat(join(folder, 'catalogs', 'files.json'));
  expect(file.mode & 0o777).toBe(0o600);
});

test('what a killed gateway had begun to write is removed', async () => {
  const files = filesIn();
  await mkdir(join(folder, 'catalogs'));
  await writeFile(join(folder, 'catalogs', 'files.json.77.tmp'), 'half');
  files.save(spec, MEMORY);
  await files[Symbol.asyncDispose]();
  expect(await readdir(join(folder, 'catalogs'))).toEqual(['files.json']);
});

test('the latest of many saves wins, and nothing but the file is left', async () => {
  const files = filesIn();
  for (let seenAtMs = 0; seenAtMs < 50; seenAtMs += 1)
    files.save(spec, { ...MEMORY, eras: { ...MEMORY.eras, seenAtMs } });
  await files[Symbol.asyncDispose]();
  expect(filesIn().load(spec)?.eras.seenAtMs).toBe(49);
  expect(await readdir(join(folder, 'catalogs'))).toEqual(['files.json']);
});

test.each(['', '{', '[]', '{"format":2}', '{"format":1,"digest":"one","eras":{},"catalogs":[]}'])(
  'a file with %j is as none',
  async (text) => {
    const files = filesIn();
    files.save(spec, MEMORY);
    await files[Symbol.asyncDispose]();
    await writeFile(join(folder, 'catalogs', 'files.json'), text);
    expect(files.load(spec)).toBeUndefined();
  },
);

test('a folder that cannot be written is told, and what is due is written when it can be', async () => {
  await writeFile(join(folder, 'catalogs'), 'in the way');
  const problems: unknown[] = [];
  const files = filesIn(problems);
  files.save(spec, MEMORY);
  await until('it is told', () => problems.length === 1);
  expect(problems).toEqual([expect.any(String)]);
  await rm(join(folder, 'catalogs'));
  await files[Symbol.asyncDispose]();
  expect(problems.slice(1)).toEqual([undefined]);
  expect(filesIn().load(spec)).toEqual(MEMORY);
});
