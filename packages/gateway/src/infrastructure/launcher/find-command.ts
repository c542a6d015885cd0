import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { findExecutable } from './executable.ts';

/**
 * Looks for a command in the usual places that the short PATH of a desktop program
 * (`/usr/bin:/bin:/usr/sbin:/sbin`) leaves out, so that a diagnosis can name the path to write.
 */
export const findCommand = async (
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> => {
  if (command === '' || path.basename(command) !== command) return undefined;
  const home = env['HOME'] ?? env['USERPROFILE'];
  return findExecutable(command, await usualFolders(home));
};

const usualFolders = async (home: string | undefined): Promise<readonly string[]> => {
  const system = ['/usr/local/bin', '/opt/homebrew/bin'];
  const own = [path.dirname(process.execPath)];
  if (home === undefined) return [...system, ...own];
  const inHome = ['.local/bin', '.volta/bin', '.asdf/shims', '.cargo/bin', '.bun/bin', '.deno/bin'];
  return [
    ...system,
    ...inHome.map((folder) => path.join(home, folder)),
    ...(await nvmFolders(path.join(home, '.nvm/versions/node'))),
    ...own,
  ];
};

/** One folder per installed version, the newest first. */
const nvmFolders = async (root: string): Promise<readonly string[]> => {
  try {
    const versions = await readdir(root);
    const newestFirst = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
    return newestFirst.map((version) => path.join(root, version, 'bin'));
  } catch {
    // No nvm here.
    return [];
  }
};
