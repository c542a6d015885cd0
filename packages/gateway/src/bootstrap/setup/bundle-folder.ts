import { isAbsolute, join, relative } from 'node:path';
import { hasFolder } from './client-files.ts';

/** A folder that a new file server may have: never the whole home, where keys and passwords are. */
export function bundleFolder(home: string, workingFolder: string): string | undefined {
  const documents = join(home, 'Documents');
  if (hasFolder(documents)) return documents;
  const below = relative(home, workingFolder);
  const isBelowHome = below !== '' && !below.startsWith('..') && !isAbsolute(below);
  return isBelowHome && !below.startsWith('.') ? workingFolder : undefined;
}
