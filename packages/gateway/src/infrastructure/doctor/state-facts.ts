/** The state folder as it is: whose, how private, how much room. */
import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StateFacts } from '../../domain/doctor/installation-rules.ts';
import { isOurs, lookAt, reasonOf } from '../state/state-folder.ts';

const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** Looks at a state folder and changes nothing. */
export function stateFacts(folder: string): StateFacts {
  const found = seen(folder);
  const facts = {
    folder,
    freeBytes: freeBytes(existing(folder)),
    othersMayLook: found !== undefined && hasBits(found.mode, OTHERS),
  };
  return { ...facts, problem: problemOf(folder) };
}

/** Whether others than its user can write a file. */
export function othersMayWrite(path: string): boolean {
  try {
    return hasBits(statSync(path).mode, OTHERS_WRITE);
  } catch {
    return false; // gone: others say so
  }
}

const hasBits = (mode: number, bits: number): boolean =>
  process.platform !== 'win32' && (mode & bits) !== 0;

function problemOf(folder: string): string | undefined {
  try {
    const found = lookAt(folder);
    if (found === undefined) return whyNotMade(folder);
    if (found.isSymbolicLink()) return 'it is a symbolic link';
    if (!found.isDirectory()) return 'it is not a folder';
    if (!isOurs(found)) return `it belongs to user ${found.uid}`;
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Why a folder that is not there cannot be made. @throws the system's error */
export function whyNotMade(folder: string): string | undefined {
  accessSync(existing(folder), constants.W_OK);
  return statSync(existing(folder)).isDirectory() ? undefined : 'a file is in its way';
}

/** What is there; undefined also where nobody lets us look. */
function seen(path: string): ReturnType<typeof lookAt> {
  try {
    return lookAt(path);
  } catch {
    return undefined; // `problemOf` says why
  }
}

/** The folder, or the nearest above it that exists. */
function existing(folder: string): string {
  for (let at = folder; ; at = dirname(at))
    if (seen(at) !== undefined || dirname(at) === at) return at;
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined; // not known here
  }
}
