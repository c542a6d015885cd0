/** `mcp-hangar completion`: the scripts in the shells that they are for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { needs, type RequirementName } from '../../scripts/requirements.ts';
import { EmptyHome, hangar } from '../support/command-line.ts';
import { COMMAND, environment } from '../support/gateway.ts';

const hasShell = (name: RequirementName & ('bash' | 'zsh' | 'fish')): ReturnType<typeof needs> =>
  needs(name, () => spawnSync(name, ['--version']).status === 0);
const bash = hasShell('bash');
const zsh = hasShell('zsh');
const fish = hasShell('fish');

const homes: EmptyHome[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

interface Home {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A home with the command on its PATH and three servers in its configuration. */
function home(): Home {
  const made = new EmptyHome();
  homes.push(made);
  const bin = join(made.folder, 'bin');
  mkdirSync(bin);
  symlinkSync(COMMAND, join(bin, 'mcp-hangar'));
  mkdirSync(join(made.config, '..'), { recursive: true });
  writeFileSync(
    made.config,
    'mcp_servers:\n  github: {command: x}\n  gitlab: {command: x, enabled: false}\n  memory: {command: x}\n',
  );
  const env = environment(made.folder);
  return { folder: made.folder, env: { ...env, PATH: [bin, env['PATH']].join(delimiter) } };
}

/** What bash offers for these words, the last of which is being typed. */
function inBash({ folder, env }: Home, ...words: readonly string[]): readonly string[] {
  const script = `
    source <(mcp-hangar completion bash)
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _mcp_hangar
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', 'mcp-hangar', ...words], {
    env,
    cwd: folder,
    encoding: 'utf8',
  });
  // Bash shows a command that is on the PATH twice once.
  return [...new Set(output.split('\n'))].filter((line) => line !== '');
}

describe.skipIf(bash.isMissing)(`Bash ${bash.mark}`, () => {
  it('completes commands, and those of commands', () => {
    const at = home();
    expect(inBash(at, 'conf')).toEqual(['config']);
    expect(inBash(at, '')).toEqual(
      expect.arrayContaining(['serve', 'add', 'remove', 'completion']),
    );
    expect(inBash(at, 'config', 'sh')).toEqual(['show']);
    expect(inBash(at, 'nothing', '')).toEqual([]);
  });

  it('completes options of the command and those that all share, and their values', () => {
    const at = home();
    expect(inBash(at, 'add', '--s')).toEqual(['--sharing', '--state-dir']);
    expect(inBash(at, 'add', '--sharing', 's')).toEqual(['shared', 'session']);
    expect(inBash(at, '--log-level', 'd')).toEqual(['debug']);
    expect(inBash(at, 'add', '--sharing', '=', 'a')).toEqual(['auto']);
    expect(inBash(at, 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('completes ids of servers, those that mean something', () => {
    const at = home();
    expect(inBash(at, 'remove', 'git')).toEqual(['github', 'gitlab']);
    expect(inBash(at, 'remove', 'github', 'git')).toEqual(['gitlab']);
    expect(inBash(at, 'enable', '')).toEqual(['gitlab']);
    expect(inBash(at, 'disable', '')).toEqual(['github', 'memory']);
    expect(inBash(at, 'events', '--server', 'm')).toEqual(['memory']);
  });

  it('knows the configuration that is named before, and is silent where it cannot be read', () => {
    const at = home();
    writeFileSync(join(at.folder, 'other.yaml'), 'providers:\n  sqlite: {command: x}\n');
    expect(inBash(at, '--config', 'other.yaml', 'remove', '')).toEqual(['sqlite']);
    expect(inBash(at, 'remove', '-c', '~/other.yaml', '')).toEqual(['sqlite']);
    expect(inBash(at, 'remove', '-c', 'no-such.yaml', '')).toEqual([]);
    writeFileSync(join(at.folder, 'other.yaml'), 'mcp_servers: "');
    expect(inBash(at, 'remove', '-c', 'other.yaml', '')).toEqual([]);
  });

  it('completes the command of a server as its own, behind --', () => {
    expect(inBash(home(), 'add', 'x', '--', 'mcp-hang')).toEqual(['mcp-hangar']);
  });
});

describe('What the shells ask', () => {
  it('is answered with the kind of what follows, and words with what they are', async () => {
    const at = home();
    const asked = async (...words: readonly string[]): Promise<string> =>
      (await hangar(at, '__complete', ...words)).stdout;
    expect(await asked('remove', 'git')).toBe(
      'words\ngithub\tMCP server\ngitlab\tMCP server, disabled\n',
    );
    expect(await asked('--config', '')).toBe('files\n');
    expect(await asked('config', 'diff', 'a', '')).toBe('files\n');
    expect(await asked('add', 'x', '--', '')).toBe('command\n');
    expect(await asked('add', 'x', '--', 'npx', '')).toBe('files\n');
    expect(await asked()).toContain('\nserve\t');
    const { stdout } = await hangar(at, '--help');
    expect(stdout).not.toContain('__complete');
  });

  it('offers no id that a shell would run or that is several lines', async () => {
    const at = home();
    const file = join(at.folder, 'odd.yaml');
    writeFileSync(
      file,
      'mcp_servers:\n  "a$(touch x)": {command: x}\n  "b\\nfiles": {command: x}\n  good: {command: x}\n',
    );
    const { stdout } = await hangar(at, '__complete', '--config', file, 'start', '');
    expect(stdout).toBe('words\ngood\tMCP server\n');
  });

  it('is refused for a shell that is not known', async () => {
    const { code, stdout, stderr } = await hangar(home(), 'completion', 'tcsh');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Allowed choices are bash, zsh, fish.');
    expect(await hangar(home(), 'completion')).toMatchObject({ code: 1 });
  });
});

/** Whether a shell can read its script. */
const reads = async (shell: string, ...flags: readonly string[]): Promise<string> => {
  const { stdout } = await hangar(home(), 'completion', shell);
  const { status, stderr } = spawnSync(shell, flags, { input: stdout, encoding: 'utf8' });
  return `${status}${stderr}`;
};

it.skipIf(bash.isMissing)(`Bash reads its script ${bash.mark}`, async () => {
  expect(await reads('bash', '-n')).toBe('0');
});
it.skipIf(zsh.isMissing)(`Zsh reads its script ${zsh.mark}`, async () => {
  expect(await reads('zsh', '-n')).toBe('0');
});
it.skipIf(fish.isMissing)(`Fish reads its script ${fish.mark}`, async () => {
  expect(await reads('fish', '--no-execute')).toBe('0');
});
