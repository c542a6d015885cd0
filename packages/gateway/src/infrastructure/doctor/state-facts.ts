/** The state folder as it is: whose, how private, how much room, and whether its event log is whole. */
import { accessSync, constants, lstatSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { verifyEventLog } from '@mcp-hangar/eventing/verify';
import type { StateFacts } from '../../domain/doctor/installation-rules.ts';
import { isOurs, lookAt, reasonOf } from '../state/state-folder.ts';

/** A larger log is not read: that would hold up everything else. */
const LOG_BYTES_MAX = 134_217_728;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** Looks at a state folder and changes nothing. @param logPath the event log; undefined where none is kept */
export function stateFacts(folder: string, logPath: string | undefined): StateFacts {
  const eventLog = logPath === undefined ? ({ kind: 'none' } as const) : logFacts(logPath);
  const found = seen(folder);
  const facts = {
    folder,
    freeBytes: freeBytes(existing(folder)),
    othersMayLook: found !== undefined && hasBits(found.mode, OTHERS),
    eventLog,
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
    if (found === undefined) {
      accessSync(existing(folder), constants.W_OK);
      return statSync(existing(folder)).isDirectory() ? undefined : 'a file is in its way';
    }
    if (found.isSymbolicLink()) return 'it is a symbolic link';
    if (!found.isDirectory()) return 'it is not a folder';
    if (!isOurs(found)) return `it belongs to user ${found.uid}`;
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
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

function logFacts(path: string): StateFacts['eventLog'] {
  try {
    const { size } = lstatSync(path);
    if (size > LOG_BYTES_MAX) return { kind: 'unchecked', path, bytes: size };
  } catch {
    return { kind: 'none' }; // nothing was recorded yet
  }
  const { findings, eventsCount } = verifyEventLog(path);
  if (findings.length === 0) return { kind: 'whole', events: eventsCount };
  return { kind: 'damaged', path, problems: findings.map(({ message }) => message) };
}
