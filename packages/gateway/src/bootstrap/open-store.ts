/** The store of a configuration's state: a SQLite file or a PostgreSQL database, loaded when it is wanted. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PostgresEventStore } from '@mcp-hangar/eventing/postgres-event-store';
import type { SqliteEventStore } from '@mcp-hangar/eventing/sqlite-event-store';
import type { Prunable, PruneLimits } from '@mcp-hangar/eventing/writer-messages';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import type { LeaseStore } from '@mcp-hangar/kernel/lease';
import type { SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import { isOurs, lookAt } from '../infrastructure/state/state-folder.ts';
import type { StorePlace } from './config/gateway-config.ts';

/** What outlives the process, and can let old events go. */
export interface DurableStore extends EventStore, LeaseStore, SnapshotStore {
  prune(limits: PruneLimits, onStep?: (deletedCount: number) => void): Promise<number>;
  prunable(limits: PruneLimits): Promise<Prunable>;
}

type Postgres = Extract<StorePlace, { kind: 'postgresql' }>;

/** Where it really is. */
export type DurablePlace = { readonly kind: 'sqlite'; readonly path: string } | Postgres;

const EVENTS_FILE = 'events.db';
/** Of the files that SQLite keeps: it gives the others the mode of the first. */
const FILE_ENDS = ['', '-wal', '-shm'] as const;
const MAY_BE_MISSING = { throwIfNoEntry: false } as const;
const OTHERS_WRITE = 0o022;
const PERMISSIONS = 0o777;
const FOLDER = { recursive: true, mode: 0o700 } as const;

/** Undefined where nothing is kept: in memory, or without the state folder that it would be in. */
export function durablePlace(
  place: StorePlace,
  stateFolder: string | undefined,
): DurablePlace | undefined {
  switch (place.kind) {
    case 'memory':
      return undefined;
    case 'postgresql':
      return place;
    case 'sqlite': {
      if (place.path !== undefined) return { ...place, path: place.path };
      return stateFolder === undefined
        ? undefined
        : { kind: 'sqlite', path: join(stateFolder, EVENTS_FILE) };
    }
  }
}

/** The operator said where: being without it is not what was asked for, and another gateway may be told the same. */
export const isPlaced = (place: StorePlace): boolean =>
  place.kind === 'postgresql' || (place.kind === 'sqlite' && place.path !== undefined);

/**
 * A store that has touched nothing yet.
 * @throws Fault CONFIG_INVALID where the URL of a database is none
 */
export async function newStore(place: DurablePlace): Promise<DurableStore> {
  return place.kind === 'sqlite' ? newSqlite(place.path) : newPostgres(place);
}

/**
 * The same, with what a gateway needs before it begins: a folder that was named, a file that is ours, the tables of a
 * database.
 * @throws errors of the file system; Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY, CONFIG_INVALID
 */
export async function openStore(place: DurablePlace): Promise<DurableStore> {
  if (place.kind === 'sqlite') {
    mkdirSync(dirname(place.path), FOLDER);
    for (const end of FILE_ENDS) takeForOurs(place.path, end);
    return newSqlite(place.path);
  }
  const store = await newPostgres(place);
  try {
    await store.open();
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** What others may write is not what happened: a file of theirs is refused, and one of ours is closed to them. */
function takeForOurs(log: string, end: string): void {
  const path = log + end;
  const named = lookAt(path);
  // A link may lead elsewhere, if it is ours, and so is what it leads to.
  const found = named?.isSymbolicLink() === true ? statSync(path, MAY_BE_MISSING) : named;
  const foreign = [named, found].find((one) => one !== undefined && !isOurs(one));
  if (foreign !== undefined) {
    const detail = `Cannot use event log "${log}": "${path}" belongs to user ${foreign.uid}`;
    throw new Fault('EVENT_STORE_UNAVAILABLE', detail);
  }
  if (found === undefined || process.platform === 'win32') return;
  if ((found.mode & OTHERS_WRITE) !== 0) chmodSync(path, found.mode & PERMISSIONS & ~OTHERS_WRITE);
}

async function newSqlite(path: string): Promise<SqliteEventStore> {
  const { SqliteEventStore: Store } = await import('@mcp-hangar/eventing/sqlite-event-store');
  return new Store({ path });
}

/** The driver is loaded where a database is configured, and nowhere else. */
async function newPostgres({ url, schema, connectionsMax }: Postgres): Promise<PostgresEventStore> {
  const { PostgresEventStore: Store } = await import('@mcp-hangar/eventing/postgres-event-store');
  return new Store({ url, schema, connectionsMax });
}
