/** What all commands have in common: wrong usage, interruption, loudness. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { EmptyHome, hangar } from '../support/command-line.ts';
import { COMMAND, environment } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
});
const script = needs('script', () =>
  spawnSync('script', ['--version']).stdout?.includes('util-linux'),
);

function home(): EmptyHome {
  const made = new EmptyHome();
  opened.push(made);
  return made;
}

describe('What is typed wrongly', () => {
  it.each([
    [['evnts'], "unknown command 'evnts'", 'Did you mean events? Help: mcp-hangar --help'],
    [
      ['evnts', '--follow'],
      "unknown command 'evnts'",
      'Did you mean events? Help: mcp-hangar --help',
    ],
    [
      ['hangar.yaml'],
      "unknown command 'hangar.yaml'",
      'Did you mean --config hangar.yaml? Help: mcp-hangar --help',
    ],
    [['zzzzzz'], "unknown command 'zzzzzz'", 'Help: mcp-hangar --help'],
    [
      ['config', 'chek'],
      "unknown command 'chek'",
      'Did you mean check? Help: mcp-hangar config --help',
    ],
    [
      ['--confg', 'x'],
      "unknown option '--confg'",
      'Did you mean --config? Help: mcp-hangar --help',
    ],
    [
      ['serve', '--htp'],
      "unknown option '--htp'",
      'Did you mean --http? Help: mcp-hangar serve --help',
    ],
    [['--config'], "option '-c, --config <file>' argument missing", 'Help: mcp-hangar --help'],
    [
      ['serve', 'x'],
      "too many arguments for 'serve'. Expected 0 arguments but got 1: x.",
      'Help: mcp-hangar serve --help',
    ],
  ])('%j is told in one line, with the way to get it right', async (args, message, fix) => {
    expect(await hangar(home(), ...args)).toEqual({
      code: 1,
      stdout: '',
      stderr: `mcp-hangar: ${message}\n  ${fix}\n`,
    });
  });

  it('is an object with --json', async () => {
    const { code, stdout } = await hangar(home(), 'remove', '--dry', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'INPUT_INVALID',
        message: "unknown option '--dry'",
        fix: 'Help: mcp-hangar remove --help',
      },
    });
  });
});

/** `events --follow`, once it has begun to wait. */
async function following(): Promise<{ child: ChildProcess; exited: Promise<number | string> }> {
  const house = new Household((journal) => ({ mcp_servers: { up: upstream([journal.option]) } }));
  opened.push(house);
  const args = [COMMAND, 'events', '--follow', '--config', house.file];
  const child = spawn(process.execPath, args, {
    env: environment(house.folder),
    cwd: house.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const client = await house.open();
  await client.request('tools/list');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await until('it prints an event', () => text.includes('up'));
  return { child, exited };
}

describe('A command that is interrupted', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends on %s with the code %i', async (signal, code) => {
    const { child, exited } = await following();
    child.kill(signal);
    expect(await exited).toBe(code);
  });

  it('ends well when its reader has read enough', async () => {
    const house = new Household((journal) => ({ mcp_servers: { up: upstream([journal.option]) } }));
    opened.push(house);
    await (await house.open()).request('tools/list');
    await until('an event is stored', async () => (await hangar(house, 'events')).stdout !== '');
    const command = `"${process.execPath}" "${COMMAND}" events --config "${house.file}"`;
    const { status, stdout } = spawnSync('sh', ['-c', `${command} | head -n 1`], {
      env: environment(house.folder),
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
  });
});

describe.skipIf(script.isMissing)(`On a terminal ${script.mark}`, () => {
  it('what takes long is said while it lasts, and gone when it is over', async () => {
    const house = new Household((journal) => ({ mcp_servers: { up: upstream([journal.option]) } }));
    opened.push(house);
    const gateway = await house.http();
    process.kill(gateway.pid, 'SIGSTOP');
    try {
      const command = `"${process.execPath}" "${COMMAND}" config diff --config "${house.file}"`;
      const run = (env: Readonly<Record<string, string>>): string =>
        spawnSync('script', ['-qec', command, '/dev/null'], {
          env: { ...environment(house.folder), ...env },
          encoding: 'utf8',
        }).stdout;
      const shown = run({ TERM: 'xterm' });
      expect(shown).toContain('\r\u001B[2K⠋ asking the gateway');
      expect(shown).toContain(
        '\r\u001B[2Kmcp-hangar: the gateway of this configuration does not answer',
      );
      expect(run({ TERM: 'dumb' })).not.toContain('asking');
    } finally {
      process.kill(gateway.pid, 'SIGCONT');
    }
  });
});

describe('-v and -q', () => {
  it('are levels of the log', async () => {
    const at = home();
    const file = join(at.folder, 'hangar.yaml');
    writeFileSync(file, 'mcp_servers: {}\n');
    const level = async (...flags: readonly string[]): Promise<string | undefined> => {
      const { stderr } = await hangar(at, '-c', file, '--standalone', '--json-logs', ...flags);
      return stderr === '' ? undefined : stderr;
    };
    const loud = (await level('-v')) ?? '';
    expect(loud.length).toBeGreaterThan(((await level('-q')) ?? '').length);
    expect(await level('-v', '--log-level', 'error')).toBe(await level('-q'));
  });
});
