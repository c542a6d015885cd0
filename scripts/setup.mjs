// Set-up, run by npm before `npm start` and `npm test`: installs what package-lock.json names when
// node_modules differs from it, then builds. It happens in a script of its own because npm gives each
// script a new shell, and the next one finds the Node 24 that this one has installed first on its PATH.
//
// No dependency and nothing newer than Node 18: it is what brings the rest.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_NEEDED = [24, 11];
const QUIET_MS = 1_000;
const STILL_RUNNING_EVERY_MS = 10_000;
const OUTPUT_KEPT_CHARS_MAX = 64_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const lockFile = join(root, 'package-lock.json');
const stampFile = join(modules, '.hangar-setup');

/** An expected failure: its message is the one sentence that the user sees. */
class SetupError extends Error {}

const say = (line) => process.stderr.write(`set-up: ${line}\n`);
const seconds = (sinceMs) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor >= NODE_NEEDED[1]);
}

/** Where the Node that comes with the dependencies is, on the platforms that have one. */
function bundledNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const known = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies;
  if (!(name in known)) return undefined;
  return join(modules, name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/**
 * Runs a command to its end, saying so when it takes longer than `quietMs`.
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function run(title, quietMs, [command, ...args]) {
  const startedMs = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_KEPT_CHARS_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let spoke = false;
    const speak = () => {
      spoke = true;
      say(`${title} …`);
    };
    const first = setTimeout(speak, quietMs);
    const still = setInterval(
      () => say(`${title}: ${seconds(startedMs)} so far …`),
      STILL_RUNNING_EVERY_MS,
    );
    const finish = () => {
      clearTimeout(first);
      clearInterval(still);
    };
    child.on('error', (error) => {
      finish();
      reject(error);
    });
    child.on('close', (code) => {
      finish();
      if (spoke && code === 0) say(`${title}: done in ${seconds(startedMs)}`);
      resolve({ code, output });
    });
  });
}

const stamp = () =>
  createHash('sha256')
    .update(readFileSync(lockFile))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');

/** npm's own record of what it installed says the same as the lock file (after a plain `npm install`). */
function npmInstalledTheSame() {
  try {
    const record = join(modules, '.package-lock.json');
    const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
    const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
    const same = (path) =>
      installed[path] === undefined
        ? wanted[path].optional === true
        : installed[path].integrity === wanted[path].integrity;
    return (
      Object.keys(wanted).every((path) => path === '' || same(path)) &&
      Object.keys(installed).every((path) => wanted[path] !== undefined)
    );
  } catch {
    return false; // no record, or one that cannot be read: install
  }
}

function isInstalled() {
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8') === stamp();
  if (!npmInstalledTheSame()) return false;
  writeFileSync(stampFile, stamp());
  return true;
}

/** How to start npm: by the Node that runs it now, so that `npm ci` may replace the one in node_modules. */
function npmCommand() {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  if (cli?.endsWith('.js') && existsSync(cli)) return [node ?? process.execPath, cli];
  return process.platform === 'win32' ? ['cmd.exe', '/c', 'npm'] : ['npm'];
}

/** What npm's output means, as one sentence. */
function explainNpm(code, output) {
  const has = (...words) => words.some((word) => output.includes(word));
  if (has('ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTCACHED')) {
    return 'npm cannot reach its registry: check the network or the proxy settings of npm, then run the same command again.';
  }
  if (has('EBADPLATFORM')) {
    return `a dependency does not run on ${process.platform}-${process.arch}: Linux and Windows on x64, Linux on arm64 and macOS are supported.`;
  }
  if (has('EUSAGE')) {
    return 'package.json and package-lock.json disagree: run "npm install" once and commit the lock file.';
  }
  if (has('ENOSPC')) return 'the disk is full: free some space, then run the same command again.';
  if (has('EACCES', 'EPERM')) {
    return `no permission to write ${modules} or npm's cache: check who owns them, then run the same command again.`;
  }
  return `npm ci ended with code ${code}: its own words are above.`;
}

async function install() {
  const [command, ...args] = npmCommand();
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--include=dev'];
  const quiet = ['--include=optional', '--loglevel=error'];
  const result = await run('installing the dependencies (npm ci)', 0, [
    command,
    ...args,
    'ci',
    ...flags,
    ...quiet,
  ]).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
    throw new SetupError('npm is not on the PATH: install Node with npm from https://nodejs.org.');
  });
  if (result.code !== 0) {
    process.stderr.write(result.output);
    throw new SetupError(explainNpm(result.code, result.output));
  }
  writeFileSync(stampFile, stamp());
}

/** The Node that builds and runs everything else. */
function nodeForTheRest() {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const node = bundledNode();
  if (node && existsSync(node)) return node;
  throw new SetupError(
    `Node ${NODE_NEEDED.join('.')} or newer is needed and this is ${process.versions.node}: none comes with the dependencies on ${process.platform}-${process.arch}, so install it from https://nodejs.org.`,
  );
}

async function build(node) {
  const tsc = join(modules, 'typescript', 'bin', 'tsc');
  const steps = [
    ['building (tsc -b)', tsc, '-b'],
    ['bundling', join(root, 'scripts', 'bundle.ts')],
  ];
  for (const [title, ...args] of steps) await buildStep(node, title, args);
}

async function buildStep(node, title, args) {
  const result = await run(title, QUIET_MS, [node, ...args]).catch((error) => {
    throw new SetupError(
      `${node} does not run on this system (${error.code}): install Node ${NODE_NEEDED.join('.')} or newer from https://nodejs.org.`,
    );
  });
  if (result.code === 0) return;
  process.stderr.write(result.output);
  throw new SetupError('the build failed: it says why above.');
}

async function main() {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new SetupError(`Node 18 or newer is needed and this is ${process.versions.node}.`);
  }
  if (!isNewEnough(process.versions.node) && bundledNode() === undefined) nodeForTheRest();
  if (!isInstalled()) await install();
  await build(nodeForTheRest());
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
