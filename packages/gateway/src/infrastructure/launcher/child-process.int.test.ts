import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Secret } from '@mcp-hangar/kernel/secret';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  fixture,
  isAlive,
  membersOf,
  openFiles,
  until,
} from '../../../../../test/fixtures/children/processes.ts';
import { type ChildProcess, type ChildTimings, spawnChild } from './child-process.ts';
import { createGuardian, type Guardian } from './guardian.ts';
import { SpawnFailure } from './spawn-failure.ts';

const FAST: ChildTimings = { stdinCloseMs: 30, termMs: 30, drainMs: 30 };

let guardian: Guardian;
let folder: string;
const started: ChildProcess[] = [];

beforeAll(() => {
  guardian = createGuardian({ path: process.env['PATH'] });
  folder = mkdtempSync(path.join(tmpdir(), 'hangar-child-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop()));
});
afterAll(async () => {
  await guardian[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Overrides {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, Secret>>;
  readonly cwd?: string;
  readonly parentEnv?: Record<string, string | undefined>;
}

const launch = async (
  command: string,
  overrides: Overrides = {},
  timings: ChildTimings = FAST,
): Promise<ChildProcess> => {
  const child = await spawnChild(
    {
      kind: 'stdio',
      command,
      args: overrides.args ?? [],
      env: overrides.env ?? {},
      cwd: overrides.cwd,
    },
    { env: overrides.parentEnv ?? process.env, guardian, clock: { nowMs: () => 1_000 } },
    timings,
  );
  started.push(child);
  return child;
};

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      seen += chunk;
      if (seen.includes('\n')) resolve(seen.slice(0, seen.indexOf('\n')));
    });
  });

const failureOf = async (starting: Promise<ChildProcess>): Promise<SpawnFailure> => {
  const error: unknown = await starting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SpawnFailure))
    throw new Error('expected a SpawnFailure', { cause: error });
  return error;
};

describe('a running child', () => {
  test('answers on stdout and ends with its stdin', async () => {
    const child = await launch(fixture('raw.sh'));
    const line = firstLine(child);
    child.stdin.write('hello\n');
    expect(await line).toBe('hello');
    await child.stop();
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(membersOf([child.pid])).toEqual([]);
  });

  test('leads its own process group', async () => {
    const child = await launch(fixture('raw.sh'));
    expect(membersOf([child.pid])).toEqual([child.pid]);
  });

  test('gets the allow-listed environment, its own and nothing else', async () => {
    const parentEnv = { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: 'canary', LC_ALL: 'C' };
    const env = { TOKEN: new Secret('mine') };
    const child = await launch('/usr/bin/env', { parentEnv, env });
    const lines = (await text(child.stdout)).trim().split('\n').toSorted();
    expect(lines).toEqual(
      [
        `PATH=${process.env['PATH'] ?? ''}`,
        'LC_ALL=C',
        'MCP_TRANSPORT=stdio',
        'TOKEN=mine',
      ].toSorted(),
    );
  });

  test('passes arguments as they are, without a shell', async () => {
    const args = ['%s\\n', '$HOME; echo "x" | cat', '*'];
    const child = await launch('printf', { args });
    expect(await text(child.stdout)).toBe('$HOME; echo "x" | cat\n*\n');
  });

  test('runs in the working directory', async () => {
    const child = await launch('pwd', { cwd: folder });
    expect((await text(child.stdout)).trim()).toBe(folder);
  });

  test('may write 9 MB to stderr before its first answer', async () => {
    const child = await launch(fixture('stderr-flood.sh'));
    expect(await firstLine(child)).toBe('done');
    await until('the last line', () => child.stderr.tail(1)[0]?.line === 'last line');
    expect(child.stderr.tail()).toHaveLength(1_000);
    expect(child.stderr.tail(1)).toEqual([{ atMs: 1_000, line: 'last line' }]);
  });

  test('keeps its secrets out of the stderr buffer', async () => {
    const child = await launch('sh', {
      args: ['-c', 'echo "key is $KEY" >&2'],
      env: { KEY: new Secret('s3cr3t') },
    });
    await child.exited;
    expect(child.stderr.tail()).toEqual([{ atMs: 1_000, line: 'key is [secret]' }]);
  });
});

describe('a child that ends by itself', () => {
  test('is seen with its exit code and with all of its stderr', async () => {
    const child = await launch(fixture('crash.sh'));
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(child.stderr.tail().map(({ line }) => line)).toEqual([
      'starting',
      "Error: Cannot find module 'left-pad'",
    ]);
  });

  test('is seen with the signal that ended it, within 50 ms (median of 9)', async () => {
    const delays: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const child = await launch(fixture('raw.sh'));
      const killedAtMs = performance.now();
      process.kill(child.pid, 'SIGKILL');
      expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
      delays.push(performance.now() - killedAtMs);
    }
    expect(delays.toSorted((a, b) => a - b)[4]).toBeLessThan(50);
  });

  test('delivers what it wrote last', async () => {
    const child = await launch('sh', { args: ['-c', 'head -c 300000 /dev/zero; exit 7'] });
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
    expect((await child.exited).code).toBe(7);
    expect(bytes).toBe(300_000);
  });

  test('takes the grandchild that holds its stdout along, without waiting for it', async () => {
    const child = await launch(fixture('holds-stdout.sh'));
    const grandchild = Number(await firstLine(child));
    expect(isAlive(grandchild)).toBe(true);
    const killedAtMs = performance.now();
    process.kill(child.pid, 'SIGKILL');
    await child.exited;
    // The grandchild would hold it for 600 s.
    expect(performance.now() - killedAtMs).toBeLessThan(1_000);
    await until('the grandchild is gone', () => !isAlive(grandchild));
    expect(child.stdout.destroyed).toBe(true);
  });

  test('makes no noise when somebody still writes to it', async () => {
    const child = await launch(fixture('raw.sh'));
    process.kill(child.pid, 'SIGKILL');
    for (let count = 0; count < 20; count += 1) child.stdin.write('x'.repeat(100_000));
    await child.exited;
    child.stdin.write('late\n');
    child.stdin.end();
    child.stdin.write('later\n');
    await child.stop();
    child.kill();
    expect(child.stdin.destroyed).toBe(true);
  });
});

describe('stopping', () => {
  test('ends a child that ignores the end of stdin and SIGTERM, with its whole group', async () => {
    const child = await launch(fixture('stubborn.sh'));
    await firstLine(child);
    const stoppedAtMs = performance.now();
    await child.stop();
    expect(performance.now() - stoppedAtMs).toBeGreaterThanOrEqual(55);
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(membersOf([child.pid])).toEqual([]);
  });

  test('ends the grandchild of a leader that left with its stdin', async () => {
    const child = await launch(fixture('holds-stdout.sh'), {}, { stdinCloseMs: 2_000 });
    const grandchild = Number(await firstLine(child));
    await child.stop();
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(isAlive(grandchild)).toBe(false);
  });

  test('sends SIGTERM before SIGKILL', async () => {
    const script = 'trap "echo bye; exit 9" TERM; echo ready; while :; do sleep 0.02; done';
    const child = await launch('sh', { args: ['-c', script] }, { ...FAST, termMs: 5_000 });
    await firstLine(child);
    await child.stop();
    expect(await child.exited).toEqual({ code: 9, signal: null });
  });

  test('twice is the same as once', async () => {
    const child = await launch(fixture('raw.sh'));
    expect(child.stop()).toBe(child.stop());
    await child.stop();
    await child.stop();
  });

  test('is cut short by kill', async () => {
    const child = await launch(fixture('stubborn.sh'), {}, {});
    await firstLine(child);
    const stopping = child.stop();
    const killedAtMs = performance.now();
    child.kill();
    await stopping;
    expect(performance.now() - killedAtMs).toBeLessThan(1_000);
    expect(membersOf([child.pid])).toEqual([]);
  });
});

describe('a command that cannot be started', () => {
  test('is not found: the PATH that was searched is named', async () => {
    const failure = await failureOf(
      launch('no-such-command-here', { parentEnv: { PATH: '/usr/bin:/bin' } }),
    );
    expect(failure).toMatchObject({
      code: 'ENOENT',
      command: 'no-such-command-here',
      path: '/usr/bin:/bin',
      foundAt: undefined,
    });
  });

  test('is not on PATH but in a usual place: the place is named', async () => {
    const home = mkdtempSync(path.join(folder, 'home-'));
    const bin = path.join(home, '.nvm/versions/node/v24.1.0/bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(bin, 'hangar-test-tool'), '#!/bin/sh\n', { mode: 0o755 });
    const parentEnv = { PATH: '/usr/bin:/bin', HOME: home };
    const failure = await failureOf(launch('hangar-test-tool', { parentEnv }));
    expect(failure.foundAt).toBe(path.join(bin, 'hangar-test-tool'));
  });

  test('is not executable', async () => {
    const file = path.join(folder, 'plain.txt');
    writeFileSync(file, 'hello');
    chmodSync(file, 0o644);
    expect(await failureOf(launch(file))).toMatchObject({ code: 'EACCES', foundAt: file });
  });

  test('names an interpreter that does not exist', async () => {
    const file = path.join(folder, 'orphan');
    writeFileSync(file, '#!/no/such/interpreter\n', { mode: 0o755 });
    const failure = await failureOf(launch(file));
    expect(failure).toMatchObject({ code: 'INTERPRETER_MISSING', foundAt: file });
  });

  test('has a working directory that does not exist', async () => {
    const failure = await failureOf(launch('true', { cwd: '/no/such/folder' }));
    expect(failure).toMatchObject({ code: 'CWD_MISSING', cwd: '/no/such/folder' });
  });

  test('has an argument that no system takes', async () => {
    const failure = await failureOf(launch('true', { args: ['a\0b'] }));
    expect(failure.code).toBe('ERR_INVALID_ARG_VALUE');
  });
});

describe('leaks', () => {
  test('300 starts, stops, crashes and failures leave no fd, process or warning', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const kinds = ['raw.sh', 'stubborn.sh', 'holds-stdout.sh', 'crash.sh'];
    const groups: number[] = [];
    const cycle = async (index: number): Promise<void> => {
      const kind = kinds[index % kinds.length] ?? 'raw.sh';
      const child = await launch(fixture(kind), {}, { stdinCloseMs: 20, termMs: 20 });
      groups.push(child.pid);
      if (kind !== 'crash.sh') child.stdin.write('x\n');
      if (index % 3 === 0) process.kill(child.pid, 'SIGKILL');
      await child.stop();
      await failureOf(launch('no-such-command-here'));
    };
    await cycle(0);
    const before = openFiles('self');
    for (let index = 0; index < 300; index += 30) {
      await Promise.all(Array.from({ length: 30 }, (_, offset) => cycle(index + offset)));
    }
    started.length = 0;
    expect(membersOf(groups)).toEqual([]);
    await until('every fd is closed', () => openFiles('self') <= before);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  }, 60_000);
});
