/** Which gateway of one configuration does the work: the owner of the state folder, or a guest of it. */
import type { Socket } from 'node:net';
import type { OwnerFacts, Refusal, Want } from '../../domain/local-socket/greeting.ts';
import { callOwner } from './owner-link.ts';
import { takeOwnerLock, type OwnerLock } from './owner-lock.ts';
import {
  chooseSocketPath,
  recordedSocket,
  removeStaleSocket,
  type ShortFolders,
} from './socket-path.ts';
import { preparePrivateFolder, reasonOf } from './state-folder.ts';

/** How long an owner may hold the folder without answering: it starts, or it is stuck. */
const SILENT_OWNER_MS_MAX = 8_000;
/** How long an owner that says it is stopping is waited for: it ends its servers, kindly first. */
const STOPPING_OWNER_MS_MAX = 25_000;
const FIRST_PAUSE_MS = 20;
const PAUSE_MS_MAX = 250;

export interface Seeker {
  /** The state folder. */
  readonly folder: string;
  readonly shortFolders: ShortFolders;
  readonly want: Want;
  readonly digest: string;
  readonly random: () => number;
  /** Whoever looks has left: no lock is taken for it any more. */
  readonly signal?: AbortSignal | undefined;
}

export type Place =
  | { readonly kind: 'owner'; readonly lock: OwnerLock; readonly socketPath: string }
  | { readonly kind: 'guest'; readonly socket: Socket; readonly facts: OwnerFacts }
  /** Without the folder: it cannot be used, or another gateway has it. */
  | { readonly kind: 'alone'; readonly reason: string };

const SENTENCES: Readonly<Record<Exclude<Refusal, 'stopping'>, string>> = {
  'other-configuration':
    'a gateway that runs with an earlier content of this configuration, or another environment, owns it',
  'other-version': 'a gateway of another version owns it',
  'unknown-want': 'the gateway that owns it does not know this kind of client',
};

/**
 * Connects to the owner of the folder or becomes it; where neither works within a limit, answers why not. Never
 * rejects.
 */
export async function findPlace(seeker: Seeker): Promise<Place> {
  const { folder } = seeker;
  try {
    preparePrivateFolder(folder);
    const startedAtMs = performance.now();
    let lastStoppingAtMs: number | undefined;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2)) {
      const path = recordedSocket(folder);
      const answer =
        path === undefined
          ? ({ kind: 'absent' } as const)
          : await callOwner(path, seeker.want, seeker.digest);
      if (answer.kind === 'linked')
        return { kind: 'guest', socket: answer.socket, facts: answer.facts };
      if (answer.kind === 'refused' && answer.reason !== 'stopping')
        return { kind: 'alone', reason: SENTENCES[answer.reason] };
      if (answer.kind === 'refused') lastStoppingAtMs = performance.now();
      if (seeker.signal?.aborted === true) return { kind: 'alone', reason: 'it is not needed' };
      const lock = answer.kind === 'refused' ? 'held' : await takeOwnerLock(folder);
      if (lock !== 'held') return owned(seeker, lock);
      const limitMs = lastStoppingAtMs === undefined ? SILENT_OWNER_MS_MAX : STOPPING_OWNER_MS_MAX;
      if (performance.now() - startedAtMs > limitMs)
        return { kind: 'alone', reason: 'the gateway that owns it does not answer' };
      // Those who look for a new owner at the same moment are not to do so in step.
      await pause(pauseMs * (0.5 + seeker.random()), seeker.signal);
    }
  } catch (error) {
    // Whatever keeps us from the folder, the servers can be served without it.
    return { kind: 'alone', reason: reasonOf(error) };
  }
}

function owned({ folder, shortFolders }: Seeker, lock: OwnerLock): Place {
  try {
    const socketPath = chooseSocketPath(folder, shortFolders);
    removeStaleSocket(socketPath);
    return { kind: 'owner', lock, socketPath };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal?.addEventListener('abort', over);
  });
}
