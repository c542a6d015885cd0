/** The published package: packed, installed into an empty folder, and used there as its users do. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { COMMAND, environment, ROOT } from '../support/gateway.ts';
import { StdioClient } from '../support/stdio.ts';
import { until, within } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const GATEWAY = join(ROOT, 'packages', 'gateway');
const VERSION = (manifest(GATEWAY) as { version: string }).version;
/** What users download, and what lies on their disk. */
const PACKED_BYTES_MAX = 700_000;
const UNPACKED_BYTES_MAX = 2_500_000;

const olderNode = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((path) => {
    const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    const major = Number((stdout ?? '').split('.')[0]);
    return major >= 14 && major < 24;
  });
const older = needs('older-node', () => olderNode !== undefined);

let home = '';
let tarball = '';
let project = '';

function manifest(folder: string): unknown {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the project of a user, whose home, cache and configuration of npm are empty. */
function run(command: string, args: readonly string[], cwd = project): Ended {
  const env = {
    ...environment(home),
    npm_config_cache: join(home, 'cache'),
    npm_config_audit: 'false',
  };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}
/** What it printed. @throws Error with what it said on stderr, where it failed */
function done({ code, stdout, stderr }: Ended): string {
  if (code === 0) return stdout;
  throw new Error(`code ${code}: ${stdout}${stderr}`);
}
const npm = (...args: readonly string[]): Ended => run('npm', [...args, '--offline']);
const node = (...args: readonly string[]): Ended => run(process.execPath, args);

const installed = (): string => join(project, 'node_modules', 'mcp-hangar');
const command = (): string => join(project, 'node_modules', '.bin', 'mcp-hangar');
const configFile = (): string => join(project, 'config.json');

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'hangar-package-'));
  project = join(home, 'project');
  mkdirSync(project);
  done(run('npm', ['pack', '--ignore-scripts', '--pack-destination', home], GATEWAY));
  tarball = join(home, `mcp-hangar-${VERSION}.tgz`);
  writeFileSync(join(project, 'package.json'), '{"name":"user","private":true,"type":"module"}');
  writeFileSync(configFile(), JSON.stringify({ mcp_servers: { up: upstream() } }));
  // Offline: it has no dependencies.
  done(npm('install', tarball));
});
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));

describe('The package', () => {
  it('brings no dependency, and what a package should have', () => {
    expect(
      readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ).toEqual(['mcp-hangar']);
    const { scripts, ...rest } = manifest(installed()) as Record<string, unknown>;
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies'])
      expect(rest).not.toHaveProperty(kind);
    expect(Object.keys(scripts as object)).toEqual(['prepack']);
    expect(rest).toMatchObject({ license: 'MIT', engines: { node: '>=24.11' } });
    expect(readdirSync(installed()).toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'package.json',
    ]);
    expect(readFileSync(join(installed(), 'LICENSE'))).toEqual(readFileSync(join(ROOT, 'LICENSE')));
    const licences = readFileSync(join(installed(), 'dist', 'bundle', 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['commander', 'pino', 'undici', 'yaml', 'zod'])
      expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  it('is small, and holds no source, test or path of this machine', () => {
    const files = readdirSync(installed(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const texts = files.map((file) => readFileSync(file, 'utf8'));
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    expect(bytes).toBeLessThan(UNPACKED_BYTES_MAX);
    expect(readFileSync(tarball).byteLength).toBeLessThan(PACKED_BYTES_MAX);
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$|tsbuildinfo/.test(file))).toEqual([]);
    const holding = (part: string): readonly string[] =>
      files.filter((_, index) => texts[index]?.includes(part));
    expect(holding(ROOT)).toEqual([]);
    // What it is built from is named there, and nothing installs it.
    expect(holding('@mcp-hangar/')).toEqual([join(installed(), 'package.json')]);
  });

  it('is clean for publint and for the types of every way to resolve it', async () => {
    const data = readFileSync(tarball);
    const { buffer } = new Uint8Array(data);
    const { messages } = await publint({ strict: true, pack: { tarball: buffer } });
    expect(messages).toEqual([]);
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
    // Every Node that it runs on can `require` a module: see below.
    const problems = result.types === false ? ['no types'] : result.problems;
    expect(
      problems.filter(
        (problem) => typeof problem === 'string' || problem.kind !== 'CJSResolvesToESM',
      ),
    ).toEqual([]);
  });
});

describe('The command', () => {
  it('says its version, installed and by npx of the file', () => {
    expect(done(run(command(), ['--version']))).toBe(`${VERSION}\n`);
    const shared = ['exec', '--yes', '--package', tarball, '--', 'mcp-hangar', '--version'];
    const empty = join(home, 'empty');
    mkdirSync(empty);
    expect(done(run('npm', [...shared, '--offline'], empty))).toBe(`${VERSION}\n`);
  });

  it('serves a first call over stdio', async () => {
    await using client = StdioClient.at({
      command: command(),
      args: ['--config', configFile()],
      cwd: project,
      env: environment(home),
    });
    await client.initialize();
    const { result } = await client.call('up__echo', { a: 1 });
    expect(JSON.stringify(result)).toContain('\\"a\\":1');
    // The event log's worker is a file of its own, which must be there too.
    await until('the call is recorded', () => {
      const { stdout } = run(command(), ['events', '--json', '--config', configFile()]);
      return stdout.includes('ToolInvocationCompleted');
    });
    expect(await client.end()).toBe(0);
  });

  it('serves over HTTP, and ends when it is asked to', async () => {
    const args = ['serve', '--http', '--port', '0', '--standalone', '--config', configFile()];
    const child = spawn(command(), args, {
      cwd: project,
      env: environment(home),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    const exited = once(child, 'exit');
    const url = await until('it serves', () => /serves at (\S+)/.exec(stderr)?.[1]);
    expect((await fetch(new URL('/health/ready', url))).status).toBe(200);
    child.kill('SIGTERM');
    expect(await within('it ends', exited)).toEqual([0, null]);
  });

  it.skipIf(older.isMissing)(`says on an older Node which one it needs ${older.mark}`, () => {
    const bin = join(installed(), 'bin', 'mcp-hangar.mjs');
    const { code, stdout, stderr } = run(olderNode ?? '', [bin, '--version']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^mcp-hangar: needs Node 24\.11 or newer and this is [\d.]+: install one from https:\/\/nodejs\.org\.\n$/,
    );
    // npm says so when it is installed.
    expect(manifest(installed())).toMatchObject({ engines: { node: '>=24.11' } });
    expect(COMMAND).not.toBe(bin);
  });
});

describe('The library', () => {
  const PROGRAM = `
    const { content } = await hangar.invoke('up', 'echo', { a: 1 });
    console.log(content[0].text.includes('"a":1'), Object.keys(module).join());
    await hangar.close();`;

  it('is imported, and required', () => {
    const config = "await module.Hangar.fromConfig('config.json')";
    writeFileSync(
      join(project, 'main.mjs'),
      `import * as module from 'mcp-hangar';\nconst hangar = ${config};${PROGRAM}`,
    );
    writeFileSync(
      join(project, 'main.cjs'),
      `const module_ = require('mcp-hangar');\n(async (module) => { const hangar = ${config};${PROGRAM} })(module_);`,
    );
    for (const file of ['main.mjs', 'main.cjs'])
      expect(done(node(file))).toBe('true Hangar,HangarError\n');
  });

  it('has types that stand by themselves, and that know the configuration', () => {
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    };
    const guides = ['docs/guides/embedding.md', 'packages/gateway/README.md'].flatMap(snippetsIn);
    expect(guides).toHaveLength(4);
    const files = [RIGHT, WRONG, ...guides].map((text, index) => {
      writeFileSync(join(project, `${index}.ts`), text);
      return `${index}.ts`;
    });
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      const compilerOptions = { ...options, module, moduleResolution };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
      const { code, stdout } = node(
        join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
        '-p',
        '.',
      );
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    }
    expect(done(node('0.ts'))).toBe('CONFIG_INVALID\n');
  });
});

/** What a document shows in TypeScript, each a module. */
const snippetsIn = (file: string): readonly string[] =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(
    ([, text = '']) => text,
  );

/** As a user writes it; `skipLibCheck` is off, so that the published types are checked too. */
const RIGHT = `
import { Hangar, HangarError, type ErrorCode, type HangarConfig, type McpServerConfig, type Tool, type ToolResult } from 'mcp-hangar';

const files: McpServerConfig = { command: ['npx', '-y', 'server'], env: { A: 'b' }, sharing: 'session', tools: { hide: ['x*'] } };
const config: HangarConfig = { mcp_servers: { files, far: { mode: 'remote', endpoint: 'https://example.com/mcp', auth: { type: 'bearer', token: 't' } } }, limits: { in_flight_max: 10 } };

export async function use(): Promise<readonly Tool[]> {
  await using hangar = await Hangar.start(config, { stateDir: 'state', env: process.env });
  const result: ToolResult = await hangar.invoke('files', 'read', { a: [1] }, { signal: AbortSignal.timeout(1), onProgress: ({ stage }) => console.log(stage) });
  console.log(result.isError === true, result.content?.[0]?.type);
  for await (const { type, occurredAt } of hangar.events) console.log(type, occurredAt.getTime());
  hangar.connect(process.stdin, process.stdout);
  return hangar.tools('files');
}

try {
  await Hangar.fromConfig({ text: 'mcp_servers: 1' });
} catch (error) {
  const code: ErrorCode | undefined = error instanceof HangarError ? error.code : undefined;
  console.log(code);
}
`;

const WRONG = `
import { Hangar, type HangarConfig } from 'mcp-hangar';
// @ts-expect-error -- a key that does not exist
export const unknownKey: HangarConfig = { mcp_servers: { files: { comand: ['npx'] } } };
// @ts-expect-error -- a value that is none of the choices
export const wrongChoice: HangarConfig = { mcp_servers: { files: { command: ['npx'], sharing: 'never' } } };
// @ts-expect-error -- it is opened, not constructed
export const made = (): Hangar => new Hangar();
`;
