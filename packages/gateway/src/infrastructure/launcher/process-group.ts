import { open, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** What is left of a group gets this long between SIGTERM and SIGKILL once its leader is gone. */
const TERM_MS = 500;
/** Longest wait for members that SIGKILL has hit. */
const KILL_MS = 1_000;
const FIRST_POLL_MS = 5;
const LAST_POLL_MS = 80;
/** Looking for zombies reads all of /proc; from this pause on that is worth it. */
const ZOMBIE_POLL_MS = 20;
/** The beginning of /proc/PID/stat that holds the state and the group. */
const STAT_BYTES = 256;

/**
 * Sends a signal to a process group; signal 0 only asks whether the group has members, zombies
 * included. Answers false when there is nobody that we may signal (ESRCH; EPERM: only members that
 * took another user, or on macOS only zombies).
 */
export const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    // Windows has no process groups: only the child itself can be ended.
    process.kill(process.platform === 'win32' ? group : -group, signal);
    return true;
  } catch {
    return false;
  }
};

/** Ends what is left of a group: SIGTERM, then SIGKILL. Returns at once when the group is empty. */
export const endGroup = async (group: number): Promise<void> => {
  if (!signalGroup(group, 'SIGTERM')) return;
  if (await becomesEmpty(group, TERM_MS)) return;
  signalGroup(group, 'SIGKILL');
  await becomesEmpty(group, KILL_MS);
};

/** Polls, because the kernel tells nobody when processes that are not our children end. */
const becomesEmpty = async (group: number, limitMs: number): Promise<boolean> => {
  const deadline = performance.now() + limitMs;
  for (let pollMs = FIRST_POLL_MS; performance.now() < deadline; pollMs *= 2) {
    await delay(Math.min(pollMs, LAST_POLL_MS));
    if (!signalGroup(group, 0)) return true;
    if (pollMs >= ZOMBIE_POLL_MS && !(await hasLivingMember(group))) return true;
  }
  return false;
};

/**
 * Orphans that have ended stay members of their group until process 1 reaps them. In a container
 * process 1 is often the gateway itself or another program that never does.
 */
const hasLivingMember = async (group: number): Promise<boolean> => {
  if (process.platform !== 'linux') return true;
  try {
    const buffer = Buffer.alloc(STAT_BYTES);
    for (const name of await readdir('/proc')) {
      if (/^\d/.test(name) && isLivingMember(await readStat(name, buffer), group)) return true;
    }
    return false;
  } catch {
    // Without /proc nothing is known: wait for the limit.
    return true;
  }
};

/** Into a given buffer: `readFile` takes 64 KiB for each file whose size the kernel does not tell. */
const readStat = async (pid: string, buffer: Buffer): Promise<string> => {
  try {
    await using file = await open(`/proc/${pid}/stat`);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    // Ended between the listing and the reading.
    return '';
  }
};

/** By proc(5): pid (name) state ppid pgrp …; the name may hold spaces and brackets. */
const isLivingMember = (stat: string, group: number): boolean => {
  const [state, , memberOf] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(memberOf) === group && state !== 'Z' && state !== 'X';
};
