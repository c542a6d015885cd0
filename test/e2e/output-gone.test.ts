/** Commands whose output cannot be written, or is not read to its end. */
import { spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND, environment } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { upstream } from '../support/upstream.ts';

let house: Household;

beforeAll(async () => {
  house = new Household((journal) => ({ mcp_servers: { up: upstream([journal.option]) } }));
  await house.http();
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
});

const started = (stdout: number | 'pipe', ...args: readonly string[]): ReturnType<typeof spawn> =>
  spawn(process.execPath, [COMMAND, ...args, '--config', house.file], {
    env: environment(house.folder),
    cwd: house.folder,
    stdio: ['ignore', stdout, 'pipe'],
  });

describe('a reader that has read enough', () => {
  it.each([
    ['status', '--watch', '--interval', '0.2'],
    ['status', '--watch', '--interval', '0.2', '--json'],
    ['status', '--watch', '--interval', '0.2', 'up'],
  ])('ends %s %s quietly', async (...args) => {
    const child = started('pipe', ...args);
    const said = text(child.stderr ?? Readable.from([]));
    const ended = once(child, 'exit');
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toEqual([0, null]);
    expect(await said).toBe('');
  });
});

describe.runIf(process.platform === 'linux')('a disk without space', () => {
  it.each([
    ['list', '--json'],
    ['config', 'schema'],
    ['status', '--watch', '--interval', '0.2'],
  ])('is no success of %s %s', async (...args) => {
    const full = openSync('/dev/full', 'w');
    const child = started(full, ...args);
    closeSync(full);
    const said = text(child.stderr ?? Readable.from([]));
    expect(await once(child, 'exit')).toEqual([2, null]);
    expect(await said).toBe(
      'mcp-hangar: cannot write to stdout: ENOSPC: no space left on device, write\n' +
        '  check where the output goes, and the space that is left there\n',
    );
  });
});
