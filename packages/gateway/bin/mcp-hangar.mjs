#!/usr/bin/env node
// The `mcp-hangar` command. On a Node that is new enough it loads the built gateway; on an older one it
// re-executes itself with the Node that npm put beside the gateway, where there is one. It must therefore parse on any
// Node since 14: no top-level await, no newer syntax, no import of anything that is not built in.
//
// Invariants while a wrapper process is needed (Node without process.execve):
//   1. stdio is inherited, never copied: the wrapper costs nothing per byte.
//   2. The child dies with the wrapper: HANGAR_PARENT_FD names a pipe whose other end only the wrapper
//      holds, so even `kill -9` of the wrapper is an end-of-file there, on which the gateway shuts down.
//   3. The wrapper dies with the child, with the same exit code or signal.
import { spawn } from 'child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'fs';
import * as nodeModule from 'module';
import { homedir } from 'os';
import { dirname, join } from 'path';
import { isatty } from 'tty';
import { fileURLToPath, pathToFileURL } from 'url';

const NEEDED = [24, 11];
const COMPILE_CACHE_FLUSH_AFTER_MS = 3000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'];
const here = dirname(fileURLToPath(import.meta.url));

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

function fail(sentence) {
  process.stderr.write(`mcp-hangar: ${sentence}\n`);
  process.exitCode = 1;
}

/** The nearest `node-<platform>-<arch>` package above this file that is new enough, or undefined. */
function findNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = here; ; folder = dirname(folder)) {
    const home = join(folder, 'node_modules', name);
    try {
      const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
      const path = join(home, 'bin', binary);
      accessSync(path, constants.X_OK);
      if (isNewEnough(version)) return path;
    } catch {
      // Not here, or not usable: the next folder up may have one.
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function reExecute(node) {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const env = { ...process.env, HANGAR_REEXECUTED: '1' };
  delete env.HANGAR_PARENT_FD;
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, ...args], env);
  }
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...env, HANGAR_PARENT_FD: '3' },
  });
  child.stdio[3].on('error', () => {}); // the child went first: 'exit' tells how
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
  // A terminal sends Ctrl-C to the whole foreground group, so the child has it already; a second one
  // would cut its graceful shutdown short.
  const onTerminal = [0, 1, 2].some((fd) => isatty(fd));
  for (const signal of SIGNALS) {
    const fromTerminal = onTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT');
    try {
      process.on(signal, () => fromTerminal || child.kill(signal));
    } catch {
      // This platform has no such signal.
    }
  }
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

/**
 * Keeps V8's compiled code between starts. Only in a folder that no other user can write to: cached code
 * is trusted as code, so Node's default below the shared temporary folder will not do.
 */
function keepCompiledCode() {
  try {
    const base =
      process.env.XDG_CACHE_HOME ||
      (process.platform === 'win32' && process.env.LOCALAPPDATA) ||
      (process.platform === 'darwin' && join(homedir(), 'Library', 'Caches')) ||
      join(homedir(), '.cache');
    const folder = join(base, 'mcp-hangar', 'compile-cache');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (process.getuid) {
      const { uid, mode } = statSync(folder);
      if (uid !== process.getuid() || mode & 0o022) return;
    }
    nodeModule.enableCompileCache(folder);
    // Node writes the cache at exit, which a gateway that is killed never reaches.
    setTimeout(() => nodeModule.flushCompileCache(), COMPILE_CACHE_FLUSH_AFTER_MS).unref();
  } catch {
    // No home, a read-only disk, …: the start takes a little longer, nothing else.
  }
}

function modifiedMs(path) {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Whether this is a clone of the repository, not the published package. */
const isClone = existsSync(join(here, '..', '..', '..', 'scripts', 'setup.mjs'));

/** The bundle, which loads fast; in a clone where the compiler ran after it, the modules that it is made of. */
function findEntry() {
  const dist = join(here, '..', 'dist');
  const bundle = join(dist, 'bundle', 'main.js');
  const layers = ['domain', 'application', 'infrastructure', 'server', 'bootstrap'];
  const builds = [
    ...layers.map((layer) => join(dist, layer, '.tsbuildinfo')),
    ...['kernel', 'eventing'].map((name) => join(here, '..', '..', name, 'dist', '.tsbuildinfo')),
  ];
  const bundledMs = modifiedMs(bundle);
  if (bundledMs > 0 && builds.every((build) => modifiedMs(build) <= bundledMs)) return bundle;
  return [join(dist, 'bootstrap', 'main.js'), bundle].find((path) => existsSync(path));
}

async function main() {
  if (!isNewEnough(process.versions.node)) {
    const node = process.env.HANGAR_REEXECUTED ? undefined : findNode();
    if (node) return reExecute(node);
    const other = isClone
      ? ', or run "npm ci" in the clone, which brings one on Linux and Windows'
      : '';
    return fail(
      `needs Node ${NEEDED.join('.')} or newer and this is ${process.versions.node}: install one from https://nodejs.org${other}.`,
    );
  }
  const entry = findEntry();
  if (!entry) return fail('is not built yet: run "npm run build" in the clone first.');
  keepCompiledCode();
  const { run } = await import(pathToFileURL(entry).href);
  process.exitCode = await run(process.argv.slice(2));
}

main().catch((error) => {
  process.stderr.write(`${(error && error.stack) || error}\n`);
  process.exitCode = 1;
});
