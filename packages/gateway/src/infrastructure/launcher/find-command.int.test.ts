import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findCommand } from './find-command.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'hangar-find-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const tool = (folder: string, mode = 0o755): string => {
  mkdirSync(path.join(home, folder), { recursive: true });
  const file = path.join(home, folder, 'hangar-test-tool');
  writeFileSync(file, '#!/bin/sh\n', { mode });
  return file;
};

describe('a command missing from PATH', () => {
  test.each([
    '.local/bin',
    '.volta/bin',
    '.asdf/shims',
    '.cargo/bin',
    '.bun/bin',
    '.deno/bin',
    '.nvm/versions/node/v24.1.0/bin',
  ])('is found in ~/%s', async (folder) => {
    const file = tool(folder);
    expect(await findCommand('hangar-test-tool', { HOME: home })).toBe(file);
  });

  test('is found beside our own node', async () => {
    expect(await findCommand(path.basename(process.execPath), { HOME: home })).toBeDefined();
  });

  test('is taken from the newest node of nvm', async () => {
    tool('.nvm/versions/node/v9.11.2/bin');
    const newest = tool('.nvm/versions/node/v24.1.0/bin');
    tool('.nvm/versions/node/v22.20.0/bin');
    expect(await findCommand('hangar-test-tool', { HOME: home })).toBe(newest);
  });

  test('must be executable and have a name of its own', async () => {
    tool('.local/bin', 0o644);
    expect(await findCommand('hangar-test-tool', { HOME: home })).toBeUndefined();
    expect(await findCommand('', { HOME: home })).toBeUndefined();
    expect(await findCommand('./hangar-test-tool', { HOME: home })).toBeUndefined();
    expect(await findCommand('hangar-test-tool', {})).toBeUndefined();
  });
});
