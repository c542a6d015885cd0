/**
 * Which gateways of one database run: each has a lease while it does. What one of them left alive in the log is closed
 * by whoever finds that its lease is over, and by nobody before.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LeaseKeeper } from '@mcp-hangar/eventing/lease-keeper';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { LeaseStore } from '@mcp-hangar/kernel/lease';

/** Leases of gateways that run: this, and who they are in `produced_by`. */
const PREFIX = 'gateway:';
/** In the state folder: who used it last. The folder has one gateway at one time, so that one is gone. */
const LAST_FILE = 'producer';

export interface Presence extends AsyncDisposable {
  /** Whether another gateway that wrote events may still run. */
  readonly isAlive: (producedBy: string) => boolean;
  /** Why the database does not answer; undefined while it does. */
  readonly problem: () => string | undefined;
}

export interface PresenceOptions {
  readonly leases: LeaseStore;
  readonly producedBy: string;
  /** Undefined for a gateway without one: what it leaves behind is over when its lease is. */
  readonly stateFolder: string | undefined;
}

/** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
export async function announcePresence(options: PresenceOptions): Promise<Presence> {
  const { leases, producedBy, stateFolder } = options;
  let before: string | undefined;
  try {
    if (stateFolder !== undefined) before = lastOf(stateFolder, producedBy);
  } catch {
    // A folder that is full or read-only: then its last one is over when its lease is.
  }
  const others = await leases.heldLeases(PREFIX);
  await Promise.all(
    others.filter(({ holder }) => holder === before).map((lease) => leases.release(lease)),
  );
  const alive = new Set(others.map(({ holder }) => holder).filter((holder) => holder !== before));
  let problem: string | undefined;
  const keeper = new LeaseKeeper({
    leases,
    name: PREFIX + producedBy,
    holder: producedBy,
    onProblem: (error) => {
      problem = error === undefined ? undefined : messageOf(error);
    },
  });
  await keeper.start();
  return {
    isAlive: (producer) => alive.has(producer),
    problem: () => problem,
    [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
  };
}

/** Who used the folder before, and from now on this one. */
function lastOf(folder: string, producedBy: string): string | undefined {
  const path = join(folder, LAST_FILE);
  const last = existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  writeFileSync(path, producedBy, { mode: 0o600 });
  return last;
}
