/** The state folder of an embedded gateway: named by the program, and never shared. */
import { resolve } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { findPlace, type Place } from '../../infrastructure/state/place.ts';
import { recordOwner } from '../../infrastructure/state/socket-path.ts';
import { reasonOf, type StateFolder } from '../../infrastructure/state/state-folder.ts';
import type { Environment } from '../config/interpolate.ts';
import { configDigest, shortFoldersOf } from '../config-identity.ts';
import type { LoadedConfig } from './load.ts';

export interface Seat {
  readonly state: Extract<StateFolder, { kind: 'open' }>;
  readonly digest: string;
  readonly place: Extract<Place, { kind: 'owner' }>;
}

/** @throws Fault STATE_UNAVAILABLE where the folder cannot be used, or another gateway has it */
export async function takeSeat(
  folder: string,
  { found }: LoadedConfig,
  env: Environment,
): Promise<Seat> {
  const path = resolve(folder);
  const digest = configDigest(found.text, found.path, { ...found.envFile?.variables, ...env });
  const place = await findPlace({
    folder: path,
    shortFolders: shortFoldersOf(env),
    want: 'query', // answered whatever the other gateway serves
    digest,
    random: Math.random,
  });
  if (place.kind === 'guest') {
    place.socket.destroy();
    throw unavailable(path, `the gateway of process ${place.facts.pid} has it`);
  }
  if (place.kind === 'alone') throw unavailable(path, place.reason);
  try {
    recordOwner(path, place.socketPath);
  } catch (error) {
    place.lock.release();
    throw unavailable(path, reasonOf(error));
  }
  return { state: { kind: 'open', path, isExplicit: true }, digest, place };
}

const unavailable = (folder: string, reason: string): Fault =>
  new Fault('STATE_UNAVAILABLE', `the state folder "${folder}" cannot be used: ${reason}`, {
    data: { folder, fix: 'Name another stateDir, or leave it out to keep the state in memory.' },
  });
