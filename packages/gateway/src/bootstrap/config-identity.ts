/** What tells one configuration from another, without reading what it means. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, extname, isAbsolute, join, resolve as resolvePath } from 'node:path';
import { referencedNames, type Environment } from './config/interpolate.ts';

const STEM_LENGTH_MAX = 40;
const HASH_DIGITS = 12;

/**
 * The name of a configuration among the state folders of a user: readable, and different for two files of one name.
 * A file that is a link keeps it when the link is moved to another one, as deployments do.
 * @throws Error of the system where its folder is gone
 */
export function configId(path: string | undefined): string {
  if (path === undefined) return 'default';
  const real = join(realpathSync(dirname(path)), basename(path));
  const stem = basename(real, extname(real))
    .replaceAll(/[^\w.-]+/g, '-')
    .slice(0, STEM_LENGTH_MAX);
  return `${stem}-${createHash('sha256').update(real).digest('hex').slice(0, HASH_DIGITS)}`;
}

/**
 * Equal for two processes exactly when they would serve the same: the text, the values of the variables that it refers
 * to, and what relative paths and `~` stand for.
 */
export function configDigest(
  text: string | undefined,
  path: string | undefined,
  env: Environment,
): string {
  const names = [...new Set(referencedNames(text ?? ''))].toSorted();
  const base = {
    directory: path === undefined ? undefined : dirname(resolvePath(path)),
    home: homeOf(env),
    variables: names.map((name) => [name, Object.hasOwn(env, name) ? env[name] : undefined]),
  };
  // Base and text are told apart: the base is one line.
  return createHash('sha256')
    .update(`${JSON.stringify(base)}\n`)
    .update(text ?? '')
    .digest('hex');
}

/** The state folder of a configuration where none is named. XDG Base Directory: a relative path is to be ignored. */
export function defaultStateFolder(id: string, env: Environment): string | undefined {
  const xdg = env['XDG_STATE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'mcp-hangar', id);
  const home = homeOf(env);
  return home === undefined || !isAbsolute(home)
    ? undefined
    : join(home, '.local', 'state', 'mcp-hangar', id);
}

/** Where a socket goes whose path in the state folder would be too long. */
export const shortFoldersOf = (env: Environment): readonly (string | undefined)[] => [
  env['XDG_RUNTIME_DIR'],
  tmpdir(),
  '/tmp',
];

function homeOf(env: Environment): string | undefined {
  const named = env['HOME'] ?? env['USERPROFILE'];
  if (named !== undefined) return named;
  try {
    return homedir();
  } catch {
    return undefined; // a user without an entry of its own
  }
}
