/**
 * Finds what `npx` would run, in the order in which npm 11 looks (libnpmexec, lib/index.js): the
 * project around the working directory, the global packages, npx's own cache. Unlike npm it never
 * asks the registry whether a package without a version has a newer one: a start must not wait for
 * the network. What is found nowhere is left to npx, which installs it.
 */
import { createHash } from 'node:crypto';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { findExecutable } from './executable.ts';
import { binsOf, defaultBin, nodeFor, readManifest, runnable } from './npm-package.ts';
import { type NpxRequest, parseNpxArguments } from './npx-arguments.ts';
import type { ResolveContext, ResolvedCommand } from './resolve-command.ts';

/** The program behind an `npx` command line; undefined when npx has to run itself. */
export const resolveNpx = async (
  npx: ResolvedCommand,
  context: ResolveContext,
): Promise<ResolvedCommand | undefined> => {
  const request = parseNpxArguments(npx.args);
  const file = request && (await findFile(request, { npx: npx.file, context }));
  const program = file && (await runnable(file, context));
  if (request === undefined || !program) return npxWithoutShell(npx, context);
  return { file: program.file, args: [...program.args, ...request.args], via: 'npx' };
};

interface Place {
  /** Where `npx` itself is. */
  readonly npx: string;
  readonly context: ResolveContext;
}

const findFile = async (request: NpxRequest, place: Place): Promise<string | undefined> => {
  const projects = await projectOf(path.resolve(place.context.cwd ?? '.'));
  if (await isOwnBin(request, projects)) return undefined;
  // npm's default global prefix: `npx` is in its `bin`.
  const prefixes = path.isAbsolute(place.npx) ? [path.dirname(path.dirname(place.npx))] : [];
  if (request.isBareName) {
    const own = projects.map((folder) => path.join(folder, 'node_modules/.bin'));
    const shared = prefixes.map((prefix) => path.join(prefix, 'bin'));
    const file = await findExecutable(request.packageName, [...own, ...shared]);
    if (file !== undefined) return file;
  }
  const roots = [
    ...projects.map((folder) => path.join(folder, 'node_modules')),
    ...prefixes.map((prefix) => path.join(prefix, 'lib/node_modules')),
    ...(await cachedRoots(request, place.context.env)),
  ];
  for (const root of roots) {
    const file = await binIn(path.join(root, request.packageName), request);
    if (file !== undefined) return file;
  }
  return undefined;
};

/** The file of the wanted executable, if this folder holds the wanted package in the wanted version. */
const binIn = async (folder: string, request: NpxRequest): Promise<string | undefined> => {
  const manifest = await readManifest(folder);
  if (manifest === undefined || manifest.name !== request.packageName) return undefined;
  if (request.version !== undefined && manifest.version !== request.version) return undefined;
  const bin = request.bin === undefined ? defaultBin(manifest) : binsOf(manifest)[request.bin];
  if (bin === undefined) return undefined;
  const file = path.resolve(folder, bin);
  return file.startsWith(folder + path.sep) ? realpath(file) : undefined;
};

/** `npx NAME` inside the package that has the executable NAME: npm links that folder first. */
const isOwnBin = async (request: NpxRequest, projects: readonly string[]): Promise<boolean> => {
  if (request.bin !== undefined) return false;
  for (const folder of projects) {
    const manifest = await readManifest(folder);
    if (manifest !== undefined && Object.hasOwn(binsOf(manifest), request.spec)) return true;
  }
  return false;
};

/** The `node_modules` of npx's cache for this request, if it is there completely. */
const cachedRoots = async (
  request: NpxRequest,
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  const cache = cacheFolder(env);
  if (cache === undefined) return [];
  // npm hashes all requested specs, sorted and joined by newlines; there is one here.
  const hash = createHash('sha512').update(request.spec).digest('hex').slice(0, 16);
  const folder = path.join(cache, '_npx', hash);
  // npm writes this file when an installation is complete, and holds the lock while it changes one.
  const isComplete = await exists(path.join(folder, 'node_modules/.package-lock.json'));
  const isChanging = await exists(path.join(folder, 'concurrency.lock'));
  return isComplete && !isChanging ? [path.join(folder, 'node_modules')] : [];
};

const cacheFolder = (env: Readonly<Record<string, string>>): string | undefined => {
  const explicit = env['npm_config_cache'] ?? env['NPM_CONFIG_CACHE'];
  if (explicit !== undefined) return explicit;
  if (process.platform === 'win32') {
    return env['LOCALAPPDATA'] && path.join(env['LOCALAPPDATA'], 'npm-cache');
  }
  return env['HOME'] && path.join(env['HOME'], '.npm');
};

/** On Windows `npx` is a `.cmd` file, which only a shell runs; the script behind it needs none. */
const npxWithoutShell = async (
  npx: ResolvedCommand,
  context: ResolveContext,
): Promise<ResolvedCommand | undefined> => {
  if (process.platform !== 'win32') return undefined;
  const node = await nodeFor(context);
  const script = path.join(path.dirname(node), 'node_modules/npm/bin/npx-cli.js');
  return (await exists(script)) ? { file: node, args: [script, ...npx.args] } : undefined;
};

/**
 * The project that npm takes the folder for: the nearest folder above with a package.json or node_modules. A folder
 * that others can write to is none: what they put there must not run as us.
 */
const projectOf = async (folder: string): Promise<readonly string[]> => {
  for (const candidate of ancestors(folder)) {
    const modules = path.join(candidate, 'node_modules');
    if (!(await exists(path.join(candidate, 'package.json'))) && !(await exists(modules))) continue;
    const isSafe =
      (await isOurs(candidate)) && (!(await exists(modules)) || (await isOurs(modules)));
    return isSafe ? [candidate] : [];
  }
  return [];
};

const OTHERS_WRITE = 0o002;

/** Whether a folder belongs to this user or to root, and nobody else may write to it. */
const isOurs = async (folder: string): Promise<boolean> => {
  const user = process.getuid?.();
  if (user === undefined) return true; // Windows has no such owners
  const { uid, mode } = await stat(folder);
  return (uid === user || uid === 0) && (mode & OTHERS_WRITE) === 0;
};

const ancestors = (folder: string): readonly string[] => {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
};

const exists = async (file: string): Promise<boolean> => {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
};
