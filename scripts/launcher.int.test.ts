// packages/gateway/bin/mcp-hangar.mjs, with a gateway in its place that says what it was given and ends
// as it is told to.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { needs } from './requirements.ts';
import { ROOT } from './run-command.ts';

const GATEWAY = `
import net from 'node:net';
export async function run(argv) {
  if (argv[0] === 'exit') return Number(argv[1]);
  const keepAlive = setInterval(() => {}, 1000);
  const stopped = new Promise((resolve) => {
    process.once('SIGTERM', () => resolve(7));
    const fd = process.env.HANGAR_PARENT_FD;
    if (fd) new net.Socket({ fd: Number(fd) }).on('close', () => resolve(9)).on('error', () => {}).resume().unref();
  });
  console.log(JSON.stringify({ pid: process.pid, version: process.versions.node, argv }));
  const code = await stopped;
  clearInterval(keepAlive);
  console.log('stopped with ' + code);
  return code;
}
`;

/** The first Node on the PATH that is too old to run the gateway itself. */
function findOlderNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((path) => {
      const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
      const [major = 0, minor = 0] = (stdout ?? '').trim().split('.').map(Number);
      return major >= 14 && (major < 24 || (major === 24 && minor < 11));
    });
}
const olderNode = findOlderNode();
const bundledNode = join(ROOT, 'node_modules', `node-${process.platform}-${process.arch}`);

let clone = '';
let launcher = '';

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'hangar-launcher-'));
  launcher = join(clone, 'packages', 'gateway', 'bin', 'mcp-hangar.mjs');
  cpSync(join(ROOT, 'packages', 'gateway', 'bin'), dirname(launcher), { recursive: true });
  writeFileSync(join(clone, 'packages', 'gateway', 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

function build(): void {
  const dist = join(clone, 'packages', 'gateway', 'dist', 'bootstrap');
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, 'main.js'), GATEWAY);
  onTestFinished(() => rmSync(dist, { recursive: true, force: true }));
}

function bundle(): void {
  const modules = join(clone, 'node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(bundledNode, join(modules, `node-${process.platform}-${process.arch}`));
  onTestFinished(() => rmSync(modules, { recursive: true, force: true }));
}

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  XDG_CACHE_HOME: join(clone, 'cache'),
});

const runLauncher = (node: string, ...args: string[]) =>
  spawnSync(node, [launcher, ...args], { encoding: 'utf8', env: environment() });

interface Started {
  readonly wrapper: ChildProcess;
  readonly exit: Promise<unknown[]>;
  readonly gateway: { readonly pid: number; readonly version: string; readonly argv: string[] };
  readonly nextLine: () => Promise<string>;
}

async function startLauncher(node: string, ...args: string[]): Promise<Started> {
  const wrapper = spawn(node, [launcher, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment(),
  });
  onTestFinished(() => void wrapper.kill('SIGKILL'));
  const exit = once(wrapper, 'exit');
  const lines = createInterface(wrapper.stdout)[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  return { wrapper, exit, gateway: JSON.parse(await nextLine()), nextLine };
}

/** Whether a process runs; one that has ended and that nobody has asked about yet does not. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'));
}

describe('on a Node that is new enough', () => {
  test('it hands the arguments over and ends with the code that comes back', () => {
    build();
    expect(runLauncher(process.execPath, 'exit', '5')).toMatchObject({ status: 5, stderr: '' });
  });

  test('it keeps compiled code in a private folder', () => {
    build();
    runLauncher(process.execPath, 'exit', '0');
    const { mode } = statSync(join(clone, 'cache', 'mcp-hangar', 'compile-cache'));
    expect(mode & 0o077).toBe(0);
  });

  test('it names the command that builds when nothing is built', () => {
    expect(runLauncher(process.execPath)).toMatchObject({
      status: 1,
      stderr: 'mcp-hangar: is not built yet: run "npm run build" in the clone first.\n',
    });
  });
});

const older = needs('older-node', () => olderNode !== undefined && existsSync(bundledNode));
describe.skipIf(older.isMissing)(`on an older Node ${older.mark}`, () => {
  const node = olderNode ?? '';

  test('it runs the Node that came with the dependencies, with the same arguments', async () => {
    build();
    bundle();
    const { gateway, wrapper, exit } = await startLauncher(node, 'serve', 'a b');
    expect(gateway.argv).toEqual(['serve', 'a b']);
    expect(Number(gateway.version.split('.')[0])).toBeGreaterThanOrEqual(24);
    wrapper.kill('SIGTERM');
    expect(await exit).toEqual([7, null]);
  });

  test('it says which Node it needs when there is none', () => {
    build();
    const { status, stderr } = runLauncher(node, 'exit', '0');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^mcp-hangar: needs Node 24\.11 or newer and this is [\d.]+: [^\n]+\n$/);
  });

  test('it ends by the signal that ended the gateway', async () => {
    build();
    bundle();
    const { gateway, exit } = await startLauncher(node, 'serve');
    process.kill(gateway.pid, 'SIGKILL');
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  test('a gateway whose wrapper was killed shuts down', async () => {
    build();
    bundle();
    const { gateway, wrapper, nextLine } = await startLauncher(node, 'serve');
    wrapper.kill('SIGKILL');
    // A Node with process.execve has become the gateway: then there is nobody left to shut down.
    const lastWords = gateway.pid === wrapper.pid ? 'undefined' : 'stopped with 9';
    expect(await nextLine()).toBe(lastWords);
    await expect.poll(() => isRunning(gateway.pid)).toBe(false);
  });
});
