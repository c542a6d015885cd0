import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveCommand, type ResolvedCommand } from './resolve-command.ts';

const NODE_BIN = '#!/usr/bin/env node\nconsole.log("hello");\n';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'hangar-resolve-')));
  executable('bin/node', '#!/bin/sh\n');
  executable('bin/npx', '#!/bin/sh\n');
  executable('bin/uvx', '#!/bin/sh\n');
  mkdirSync(path.join(root, 'project/sub'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (...parts: readonly string[]): string => path.join(root, ...parts);

const write = (file: string, content: string): string => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), content);
  return at(file);
};

const executable = (file: string, content: string): string => {
  const written = write(file, content);
  chmodSync(written, 0o755);
  return written;
};

interface Package {
  readonly name: string;
  readonly version?: string;
  readonly bin?: string | Record<string, string>;
}

/** Installs a package under `node_modules` of a folder; answers the file of its executable. */
const install = (folder: string, { name, version = '1.2.3', bin = 'cli.js' }: Package): string => {
  const home = path.join(folder, 'node_modules', name);
  write(path.join(home, 'package.json'), JSON.stringify({ name, version, bin }));
  return write(path.join(home, 'cli.js'), NODE_BIN);
};

const resolve = (
  line: string,
  { cwd = at('project/sub'), env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<ResolvedCommand> => {
  const [command = '', ...args] = line.split(' ');
  return resolveCommand(
    { command, args },
    { env: { PATH: at('bin'), HOME: at('home'), ...env }, cwd },
  );
};

const unchanged = (line: string): ResolvedCommand => {
  const [command = '', ...args] = line.split(' ');
  return { file: at('bin', command), args };
};

const byNode = (...args: readonly string[]): ResolvedCommand => ({
  file: at('bin/node'),
  args,
  via: 'npx',
});

/** The folder that npm 11 makes in `_npx` for `@modelcontextprotocol/server-memory@2026.8.31`. */
const MEMORY = '@modelcontextprotocol/server-memory';
const MEMORY_FOLDER = 'home/.npm/_npx/c98ccc168155bafa';

const installInCache = (): string => {
  write(`${MEMORY_FOLDER}/node_modules/.package-lock.json`, '{}');
  return install(MEMORY_FOLDER, { name: MEMORY, version: '2026.8.31' });
};

describe('a command', () => {
  test('is the first executable on the PATH of the child', async () => {
    executable('late/tool', '');
    write('bin/tool', 'not executable');
    const env = { PATH: `${at('bin')}:${at('late')}` };
    expect(await resolve('tool -x', { env })).toEqual({ file: at('late/tool'), args: ['-x'] });
  });

  test('with a slash counts from the working directory', async () => {
    expect(await resolve('./tool')).toEqual({ file: at('project/sub/tool'), args: [] });
    expect(await resolve('/opt/tool')).toEqual({ file: '/opt/tool', args: [] });
  });

  test('that PATH does not lead to stays as it is', async () => {
    expect(await resolve('nothing here')).toEqual({ file: 'nothing', args: ['here'] });
  });
});

describe('npx', () => {
  test('of a package of the project runs it with node', async () => {
    const file = install('project', { name: '@scope/server' });
    expect(await resolve('npx -y @scope/server --root /data')).toEqual(
      byNode(file, '--root', '/data'),
    );
  });

  test('takes a version that is there and no other', async () => {
    const file = install('project', { name: 'server', version: '1.2.3' });
    expect(await resolve('npx server@1.2.3')).toEqual(byNode(file));
    expect(await resolve('npx server@1.2.4')).toEqual(unchanged('npx server@1.2.4'));
  });

  test('finds a package in its own cache', async () => {
    const file = installInCache();
    const line = `npx -y ${MEMORY}@2026.8.31`;
    expect(await resolve(line)).toEqual(byNode(file));
    expect(await resolve(line, { env: { HOME: '/nobody' } })).toEqual(unchanged(line));
    const env = { HOME: '/nobody', npm_config_cache: at('home/.npm') };
    expect(await resolve(line, { env })).toEqual(byNode(file));
  });

  test('does not trust a cache that is being changed or was left half done', async () => {
    installInCache();
    const line = `npx -y ${MEMORY}@2026.8.31`;
    mkdirSync(at(MEMORY_FOLDER, 'concurrency.lock'));
    expect(await resolve(line)).toEqual(unchanged(line));
    rmSync(at(MEMORY_FOLDER, 'concurrency.lock'), { recursive: true });
    rmSync(at(MEMORY_FOLDER, 'node_modules/.package-lock.json'));
    expect(await resolve(line)).toEqual(unchanged(line));
  });

  test('finds a global package, and prefers the one of the project', async () => {
    const shared = install('lib', { name: 'server' });
    expect(await resolve('npx server')).toEqual(byNode(shared));
    const own = install('project', { name: 'server' });
    expect(await resolve('npx server')).toEqual(byNode(own));
  });

  test('of a bare name may be an executable of another package', async () => {
    const file = install('project', { name: 'compiler', bin: { cc: 'cli.js' } });
    chmodSync(file, 0o755);
    mkdirSync(at('project/node_modules/.bin'));
    symlinkSync('../compiler/cli.js', at('project/node_modules/.bin/cc'));
    expect(await resolve('npx cc -v')).toEqual(byNode(file, '-v'));
    expect(await resolve('npx cc@1.2.3')).toEqual(unchanged('npx cc@1.2.3'));
  });

  test('picks the executable as npm does', async () => {
    write('project/node_modules/many/other.js', NODE_BIN);
    const bin = { many: 'cli.js', other: 'other.js' };
    const file = install('project', { name: 'many', bin });
    expect(await resolve('npx many')).toEqual(byNode(file));
    expect(await resolve('npx -p many other x')).toEqual(
      byNode(at('project/node_modules/many/other.js'), 'x'),
    );
    expect(await resolve('npx --package=many@1.2.3 many')).toEqual(byNode(file));
    expect(await resolve('npx -p many sh')).toEqual(unchanged('npx -p many sh'));
    install('project', { name: 'vague', bin: { one: 'cli.js', two: 'other.js' } });
    expect(await resolve('npx vague')).toEqual(unchanged('npx vague'));
  });

  test('hands on everything after the package, dashes included', async () => {
    const file = install('project', { name: 'server' });
    expect(await resolve('npx -- server -y -- -p x')).toEqual(byNode(file, '-y', '--', '-p', 'x'));
  });

  test.each([
    'npx',
    'npx -y',
    'npx --quiet server',
    'npx -c server',
    'npx -p server',
    'npx -p server -p other server',
    'npx server@latest',
    'npx server@^1.0.0',
    'npx server@1',
    'npx ./server',
    'npx github:owner/server',
    'npx ../../etc/server',
  ])('runs itself for "%s"', async (line) => {
    install('project', { name: 'server' });
    expect(await resolve(line)).toEqual(unchanged(line));
  });

  test('runs itself inside the package that it names', async () => {
    install('project', { name: 'server' });
    write(
      'project/package.json',
      JSON.stringify({ name: 'server', version: '0.0.1', bin: 'x.js' }),
    );
    expect(await resolve('npx server')).toEqual(unchanged('npx server'));
  });

  test('runs itself for files that are missing, foreign or damaged', async () => {
    install('project', { name: 'escapes', bin: '../../../x.js' });
    install('project', { name: 'missing', bin: 'no.js' });
    install('project', { name: 'flags', bin: 'flags.js' });
    write('project/node_modules/flags/flags.js', '#!/usr/bin/env -S node --flag\n');
    install('project', { name: 'plain', bin: 'plain.js' });
    write('project/node_modules/plain/plain.js', 'console.log(1);\n');
    install('project', { name: 'damaged' });
    write('project/node_modules/damaged/package.json', '{');
    for (const name of ['escapes', 'missing', 'flags', 'plain', 'damaged']) {
      expect(await resolve(`npx ${name}`)).toEqual(unchanged(`npx ${name}`));
    }
  });

  test('runs an executable that is no script of node as it is', async () => {
    install('project', { name: 'native', bin: 'run.sh' });
    const file = executable('project/node_modules/native/run.sh', '#!/bin/sh\n');
    expect(await resolve('npx native a')).toEqual({ file, args: ['a'], via: 'npx' });
  });

  test('needs neither npx nor node on PATH for what is installed', async () => {
    const file = install('project', { name: 'server' });
    const resolved = await resolve('npx server', { env: { PATH: '/usr/sbin-empty' } });
    expect(resolved).toEqual({ file: process.execPath, args: [file], via: 'npx' });
  });
});

describe('uvx', () => {
  test('of an installed tool runs the tool', async () => {
    const file = executable('home/.local/share/uv/tools/my-server/bin/My_Server', '#!/bin/sh\n');
    expect(await resolve('uvx My_Server --db x')).toEqual({
      file,
      args: ['--db', 'x'],
      via: 'uvx',
    });
  });

  test('looks where UV_TOOL_DIR says', async () => {
    const file = executable('tools/server/bin/server', '#!/bin/sh\n');
    const env = { UV_TOOL_DIR: at('tools') };
    expect(await resolve('uvx server', { env })).toEqual({ file, args: [], via: 'uvx' });
    expect(await resolve('uvx server')).toEqual(unchanged('uvx server'));
  });

  test.each(['uvx', 'uvx --from x server', 'uvx server@1.0', 'uvx server==1.0', 'uvx ./server'])(
    'runs itself for "%s"',
    async (line) => {
      executable('home/.local/share/uv/tools/server/bin/server', '#!/bin/sh\n');
      expect(await resolve(line)).toEqual(unchanged(line));
    },
  );
});
