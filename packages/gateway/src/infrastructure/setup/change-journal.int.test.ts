import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { afterEach, assert, beforeEach, describe, expect, it } from 'vitest';
import { applyChanges, type Change, undoNewest } from './change-journal.ts';

const WHAT = { command: 'init', madeAt: '2026-11-21T00:00:00.000Z' };
let home = '';
let journal = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hangar-journal-'));
  journal = join(home, 'state', 'setup');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const at = (name: string): string => join(home, name);
const put = (name: string, text: string, mode = 0o644): string => {
  writeFileSync(at(name), text);
  chmodSync(at(name), mode);
  return at(name);
};
const text = (name: string): string => readFileSync(at(name), 'utf8');
const mode = (name: string): number => statSync(at(name)).mode & 0o777;
const undo = (isForced = false): ReturnType<typeof undoNewest> => undoNewest(journal, { isForced });

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert(error instanceof Fault);
  return error;
}

describe('Changes of files', () => {
  it('are taken back byte for byte, with modes, and what was not there is gone', async () => {
    const changes: Change[] = [
      { path: put('a', '\uFEFFold\r\n', 0o640), before: '\uFEFFold\r\n', after: 'new\n' },
      { path: put('s', 'A=1', 0o644), before: 'A=1', after: 'A=2', isPrivate: true },
      { path: at('new/deep/b'), before: undefined, after: 'b' },
    ];
    await applyChanges(journal, changes, WHAT);
    expect([text('a'), mode('a'), text('s'), mode('s')]).toEqual(['new\n', 0o640, 'A=2', 0o600]);
    expect([text('new/deep/b'), mode('new/deep/b')]).toEqual(['b', 0o600]);
    expect(mode('state/setup')).toBe(0o700);
    expect(await undo()).toEqual({ ...WHAT, files: changes.map(({ path }) => path) });
    expect([text('a'), mode('a'), text('s'), mode('s')]).toEqual([
      '\uFEFFold\r\n',
      0o640,
      'A=1',
      0o644,
    ]);
    expect(existsSync(at('new'))).toBe(false);
    expect(await undo()).toBeUndefined();
  });

  it('are taken back one run after the other, the newest first', async () => {
    const path = put('a', '1');
    await applyChanges(journal, [{ path, before: '1', after: '2' }], WHAT);
    await applyChanges(journal, [{ path, before: '2', after: '3' }], {
      ...WHAT,
      command: 'import',
    });
    expect(await undo()).toMatchObject({ command: 'import' });
    expect(text('a')).toBe('2');
    expect(await undo()).toMatchObject({ command: 'init' });
    expect(text('a')).toBe('1');
  });

  it('of which some were never written, are taken back too', async () => {
    const [a, b] = [put('a', '1'), put('b', '1')];
    const changes = [
      { path: a, before: '1', after: '2' },
      { path: b, before: 'other', after: '2' },
    ];
    expect(await faultOf(applyChanges(journal, changes, WHAT))).toMatchObject({
      code: 'FILE_CHANGED',
    });
    expect([text('a'), text('b')]).toEqual(['2', '1']);
    writeFileSync(b, 'other');
    expect(await undo()).toMatchObject({ files: [a] });
    expect([text('a'), text('b')]).toEqual(['1', 'other']);
  });

  it('are refused where somebody has changed a file since, and nothing is restored', async () => {
    const [a, b] = [put('a', '1'), put('b', '1')];
    const changes = [a, b].map((path) => ({ path, before: '1', after: '2' }));
    await applyChanges(journal, changes, WHAT);
    writeFileSync(b, 'mine');
    const fault = await faultOf(undo());
    expect(fault).toMatchObject({ code: 'FILE_CHANGED', data: { files: [b] } });
    expect(fault.message).toBe(`${b} was changed since; nothing was restored`);
    expect([text('a'), text('b')]).toEqual(['2', 'mine']);
    expect(await undo(true)).toMatchObject({ files: [a, b] });
    expect([text('a'), text('b')]).toEqual(['1', '1']);
  });

  it('follow a link to the file, and leave the link', async () => {
    mkdirSync(at('dotfiles'));
    put('dotfiles/a', '1');
    symlinkSync(at('dotfiles/a'), at('a'));
    await applyChanges(journal, [{ path: at('a'), before: '1', after: '2' }], WHAT);
    expect(text('dotfiles/a')).toBe('2');
    await undo();
    expect([text('a'), text('dotfiles/a')]).toEqual(['1', '1']);
  });

  it('are remembered for the newest 20 runs', async () => {
    const path = put('a', '0');
    for (let run = 1; run <= 22; run += 1)
      await applyChanges(journal, [{ path, before: `${run - 1}`, after: `${run}` }], WHAT);
    expect(readdirSync(journal)).toHaveLength(20);
  });

  it('of a run that ended before its journal was written, are none', async () => {
    const path = put('a', '1');
    await applyChanges(journal, [{ path, before: '1', after: '2' }], WHAT);
    mkdirSync(join(journal, '2'));
    writeFileSync(join(journal, '2', '0.copy'), 'half');
    await undo();
    expect(text('a')).toBe('1');
    expect(readdirSync(journal)).toEqual([]);
  });

  it('are not made where they could not be taken back', async () => {
    const path = put('a', '1');
    writeFileSync(at('state'), 'no folder');
    const fault = await faultOf(applyChanges(journal, [{ path, before: '1', after: '2' }], WHAT));
    expect(fault.code).toBe('STATE_UNAVAILABLE');
    expect(text('a')).toBe('1');
  });
});

describe('What others could have put there', () => {
  it('is not believed: a folder behind a link', async () => {
    await applyChanges(journal, [{ path: put('a', 'old'), before: 'old', after: 'new' }], WHAT);
    symlinkSync(journal, at('link'));
    const fault = await faultOf(undoNewest(at('link'), { isForced: false }));
    expect(fault.code).toBe('STATE_UNAVAILABLE');
    expect(text('a')).toBe('new');
  });

  it('is not believed: a copy that lies elsewhere', async () => {
    await applyChanges(journal, [{ path: put('a', 'old'), before: 'old', after: 'new' }], WHAT);
    const file = join(journal, '1', 'journal.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"0.copy"', '"../../../other"'));
    put('other', 'old');
    expect((await faultOf(undo())).code).toBe('STATE_UNAVAILABLE');
    expect(text('a')).toBe('new');
  });

  it('is closed to others before anything is kept in it', async () => {
    mkdirSync(journal, { recursive: true });
    chmodSync(journal, 0o755);
    await applyChanges(journal, [{ path: put('a', 'old'), before: 'old', after: 'new' }], WHAT);
    expect(mode('state/setup')).toBe(0o700);
  });
});
