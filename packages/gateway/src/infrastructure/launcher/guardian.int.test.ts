import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  fixture,
  isAlive,
  membersOf,
  until,
} from '../../../../../test/fixtures/children/processes.ts';
import { spawnChild } from './child-process.ts';
import { createGuardian, type Guardian } from './guardian.ts';

const cleanups: (() => PromiseLike<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A group of two that nobody but the guardian ends: it ignores SIGTERM. */
const startGroup = async (): Promise<number> => {
  const child = spawn('sh', [fixture('stubborn.sh')], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('sh did not start');
  cleanups.push(() => {
    child.stdout.destroy();
    for (const member of membersOf([pid])) process.kill(member, 'SIGKILL');
  });
  await until('the group has both members', () => membersOf([pid]).length === 2);
  return pid;
};

const guardianWith = (shell: string | undefined): Guardian => {
  const guardian = createGuardian({
    path: process.env['PATH'],
    ...(shell === undefined ? {} : { shell }),
  });
  cleanups.push(() => guardian[Symbol.asyncDispose]());
  return guardian;
};

const pidOf = (guardian: Guardian): number => {
  if (guardian.pid === undefined) throw new Error('no guardian runs');
  return guardian.pid;
};

const shells = ['/usr/bin/dash', '/bin/bash', process.env['HANGAR_TEST_BUSYBOX_SH'] ?? ''].filter(
  (shell) => existsSync(shell),
);

describe.each([...shells, '/no/shell (so by node)'])('the guardian run by %s', (shell) => {
  test('ends every group still held and none that was released', async () => {
    const guardian = guardianWith(shell);
    const [first, released, last] = [await startGroup(), await startGroup(), await startGroup()];
    for (const group of [first, released, last]) guardian.hold(group);
    guardian.release(released);
    const pid = pidOf(guardian);
    await guardian[Symbol.asyncDispose]();
    expect(isAlive(pid)).toBe(false);
    await until('the held groups are empty', () => membersOf([first, last]).length === 0);
    expect(membersOf([released])).toHaveLength(2);
  });

  test('leaves the signals of a terminal and of a service manager alone', async () => {
    const guardian = guardianWith(shell);
    const group = await startGroup();
    guardian.hold(group);
    const pid = pidOf(guardian);
    await until('it has started up', () => hasTraps(pid));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    await guardian[Symbol.asyncDispose]();
    await until('the group is empty', () => membersOf([group]).length === 0);
    expect(isAlive(pid)).toBe(false);
  });
});

/** Whether SIGHUP, the last of the three, is ignored or caught: bit 0 of the masks in /proc. */
const hasTraps = (pid: number): boolean =>
  /^Sig(Ign|Cgt):\s*[0-9a-f]*[13579bdf]$/m.test(readStatus(pid));

const readStatus = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');

describe('the guardian', () => {
  test('starts with the first child and is gone after disposal', async () => {
    const guardian = guardianWith(undefined);
    expect(guardian.pid).toBeUndefined();
    const child = await spawnChild(
      { kind: 'stdio', command: fixture('raw.sh'), args: [], env: {}, cwd: undefined },
      { env: process.env, guardian },
    );
    const pid = pidOf(guardian);
    expect(isAlive(pid)).toBe(true);
    await child.stop();
    await guardian[Symbol.asyncDispose]();
    expect(isAlive(pid)).toBe(false);
    await guardian[Symbol.asyncDispose]();
  });

  test('is started again with every live group when it dies itself', async () => {
    const guardian = guardianWith(undefined);
    const group = await startGroup();
    guardian.hold(group);
    const first = pidOf(guardian);
    process.kill(first, 'SIGKILL');
    await until('another guardian', () => guardian.pid !== undefined && guardian.pid !== first);
    const second = pidOf(guardian);
    await guardian[Symbol.asyncDispose]();
    expect(isAlive(second)).toBe(false);
    await until('the group is empty', () => membersOf([group]).length === 0);
  });

  test('that dies at each start is given up until the next child', async () => {
    const problems: string[] = [];
    const guardian = createGuardian({
      shell: '/bin/false',
      onProblem: (problem) => problems.push(problem),
    });
    cleanups.push(() => guardian[Symbol.asyncDispose]());
    const group = await startGroup();
    guardian.hold(group);
    await until('five attempts', () => problems.length === 5);
    expect(guardian.pid).toBeUndefined();
    expect(problems[0]).toBe('Child processes have no guardian: it ended with code 1');
  });

  test('shares no open file with the children of the gateway', async () => {
    const guardian = guardianWith(undefined);
    const options = { env: process.env, guardian };
    const command = fixture('raw.sh');
    const launch = { kind: 'stdio', command, args: [], env: {}, cwd: undefined } as const;
    const children = [await spawnChild(launch, options), await spawnChild(launch, options)];
    cleanups.push(async () => void (await Promise.all(children.map((child) => child.stop()))));
    const socketsOf = (pid: number): readonly string[] =>
      readdirSync(`/proc/${pid}/fd`)
        .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
        .filter((target) => target.startsWith('socket:'));
    for (const child of children) {
      // `cat` answers: it has closed what it opened while it started.
      const answer = new Promise((resolve) => child.stdout.once('data', resolve));
      child.stdin.write('hello\n');
      await answer;
      // stdin, stdout and stderr of its own, and no fourth that would be the guardian's pipe.
      expect(new Set(socketsOf(child.pid)).size).toBe(3);
      expect(socketsOf(child.pid)).toHaveLength(3);
    }
    expect(socketsOf(pidOf(guardian))).toHaveLength(1);
  });
});

interface Started {
  readonly guardian: number;
  readonly children: readonly number[];
}

const startParent = async (): Promise<{ parent: ChildProcess; started: Started }> => {
  const scripts = ['raw.sh', 'stubborn.sh', 'holds-stdout.sh'].map(fixture);
  const args = ['--conditions=source', fixture('guarded-parent.ts'), ...scripts];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = '';
  parent.stdout.setEncoding('utf8').on('data', (chunk: string) => (seen += chunk));
  await until('the parent has started its children', () => seen.includes('\n'));
  return { parent, started: JSON.parse(seen) as Started };
};

describe('a gateway that dies', () => {
  test.each(['SIGKILL', 'SIGABRT', 'SIGTERM'] as const)(
    'by %s leaves no descendant after 2 s',
    async (signal) => {
      const { parent, started } = await startParent();
      const groups = [started.guardian, ...started.children];
      // cat, sh and sleep, sh and sleep and cat, and the guardian.
      await until('everything runs', () => membersOf(groups).length >= 6);
      parent.kill(signal);
      await until('nothing of it is left', () => membersOf(groups).length === 0, 2_000);
      expect(parent.pid === undefined || isAlive(parent.pid)).toBe(false);
    },
  );
});
