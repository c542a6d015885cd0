/**
 * Which gateways of one database run: each has a lease while it does. What one of them left alive in the log is closed
 * by whoever finds that its lease is over, and by nobody before.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LeaseKeeper } from '@mcp-hangar/eventing/lease-keeper';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { LeaseStore } from '@mcp-hangar/kernel/lease';

/** Of the one that goes on with what gateways that are gone have left. */
const PROCESSES = 'processes';
/** Leases of gateways that run: this, and who they are in `produced_by`. */
const PREFIX = 'gateway:';
/** In the state folder: who used it last. The folder has one gateway at one time, so that one is gone. */
const LAST_FILE = 'producer';

export interface Presence extends AsyncDisposable {
  /** Whether another gateway that wrote events may still run. */
  readonly isAlive: (producedBy: string) => boolean;
  /** Whether timers that it has left are this gateway's to keep. Of all gateways that are asked at most one says so. */
  readonly adopts: (producedBy: string) => boolean;
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
  const held = await leases.heldLeases('');
  const ofBefore = held.filter(({ holder }) => holder === before);
  await Promise.all(ofBefore.map((lease) => leases.release(lease)));
  const alive = new Set(
    held
      .filter(({ name, holder }) => name.startsWith(PREFIX) && holder !== before)
      .map(({ holder }) => holder),
  );
  let problem: string | undefined;
  const onProblem = (error: unknown): void => {
    problem = error === undefined ? undefined : messageOf(error);
  };
  const self = new LeaseKeeper({
    leases,
    name: PREFIX + producedBy,
    holder: producedBy,
    onProblem,
  });
  const processes = new LeaseKeeper({ leases, name: PROCESSES, holder: producedBy });
  await Promise.all([self.start(), processes.start()]);
  const adoptsAll = processes.current !== undefined;
  // Its lease was not over: nobody else can have gone on with what it left.
  const own = ofBefore.some(({ name }) => name.startsWith(PREFIX)) ? before : undefined;
  return {
    isAlive: (producer) => alive.has(producer),
    adopts: (producer) => producer === own || (adoptsAll && !alive.has(producer)),
    problem: () => problem,
    async [Symbol.asyncDispose]() {
      await Promise.all([self[Symbol.asyncDispose](), processes[Symbol.asyncDispose]()]);
    },
  };
}

/** Who used the folder before, and from now on this one. */
function lastOf(folder: string, producedBy: string): string | undefined {
  const path = join(folder, LAST_FILE);
  const last = existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  writeFileSync(path, producedBy, { mode: 0o600 });
  return last;
}
