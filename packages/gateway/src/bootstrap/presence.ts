/**
 * Which gateways of one store run: each has a lease while it does. What one of them left alive in the log is closed by
 * whoever finds that its lease is over, and by nobody before.
 *
 * Invariant: who goes on with the times that a gateway has left acquires that gateway's own lease first. From then on
 * the store refuses what it appends to them, however late it wakes up.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LeaseKeeper } from '@mcp-hangar/eventing/lease-keeper';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Lease, LeaseStore } from '@mcp-hangar/kernel/lease';
import type { Claim } from '../application/processes/past-processes.ts';
import type { Fence } from '../application/ports.ts';

/** Of the one that goes on with what gateways that are gone have left. */
const PROCESSES = 'processes';
/** Leases of gateways that run: this, and who they are in `produced_by`. */
const PREFIX = 'gateway:';
/** In the state folder: who used it last. The folder has one gateway at one time, so that one is gone. */
const LAST_FILE = 'producer';

/** A claim is made at one moment; its generation counts until somebody makes the next one. */
const CLAIM_MS = 1;
/** How often who has the lease `processes` looks whether a gateway is gone. */
const LOOK_MS = 5_000;

export interface Presence extends AsyncDisposable {
  /** Whether another gateway that wrote events may still run. */
  readonly isAlive: (producedBy: string) => boolean;
  /** Names this gateway's last acquisition of its own lease. */
  readonly own: () => Fence;
  /** Makes the times that a gateway has left this one's to keep; undefined where they are another's. */
  readonly claim: Claim;
  /** Finds out now whether this gateway has still its own lease. */
  readonly check: () => void;
  /** From now on: there may be times to claim. Where it rejects it is asked again. */
  readonly onLeft: (listener: () => Promise<void>) => void;
  /** Why the store does not answer; undefined while it does. */
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
  const { leases, producedBy } = options;
  const before = beforeIn(options);
  const held = await leases.heldLeases('');
  const ofBefore = held.filter(({ holder }) => holder === before);
  await Promise.all(ofBefore.map((lease) => leases.release(lease)));
  const running = runningIn(held.filter(({ holder }) => holder !== before));
  let problem: string | undefined;
  const watch = new Watch({ leases, running, hasDuty: () => processes.current !== undefined });
  const onChange = (lease: Lease | undefined): void => {
    if (lease !== undefined) watch.due();
  };
  const self = new LeaseKeeper({
    leases,
    name: PREFIX + producedBy,
    holder: producedBy,
    onChange,
    onProblem: (error) => {
      problem = error === undefined ? undefined : messageOf(error);
    },
  });
  const processes = new LeaseKeeper({ leases, name: PROCESSES, holder: producedBy, onChange });
  await Promise.all([self.start(), processes.start()]);
  const first = self.last;
  if (first === undefined) {
    await Promise.all([self[Symbol.asyncDispose](), processes[Symbol.asyncDispose]()]);
    throw new Fault('EVENT_STORE_UNAVAILABLE', problem ?? 'it gives this gateway no lease');
  }
  // Its lease was not over: nobody else can have gone on with what it left.
  const heir = ofBefore.some(({ name }) => name.startsWith(PREFIX)) ? before : undefined;
  const own = (): Fence => self.last ?? first;
  const claims = new Map<string, Lease>();
  watch.clear(); // what was left before is claimed by the start
  return {
    isAlive: (producer) => running.has(producer),
    own,
    async claim(producer) {
      if (producer === producedBy) return self.current && { fence: own() };
      if (producer !== heir && processes.current === undefined) return undefined;
      const known = claims.get(producer);
      // A second acquisition would take from this gateway what it goes on with already.
      if (known !== undefined && (await leases.renew(known, CLAIM_MS))) return { fence: known };
      const fence = await leases.acquire(PREFIX + producer, producedBy, CLAIM_MS);
      if (fence !== undefined) claims.set(producer, fence);
      return fence && { fence };
    },
    check: () => void self.ask(),
    onLeft: (listener) => watch.begin(listener),
    problem: () => problem,
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]();
      await Promise.all([self[Symbol.asyncDispose](), processes[Symbol.asyncDispose]()]);
    },
  };
}

const runningIn = (held: readonly Lease[]): ReadonlySet<string> =>
  new Set(held.filter(({ name, holder }) => name === PREFIX + holder).map(({ holder }) => holder));

interface WatchOptions {
  readonly leases: LeaseStore;
  readonly running: ReadonlySet<string>;
  /** Whether it is this gateway's to look after the others. */
  readonly hasDuty: () => boolean;
}

/** Tells when there may be something to claim: a gateway is gone, or this one has a lease that it had not. */
class Watch implements AsyncDisposable {
  readonly #options: WatchOptions;
  #running: ReadonlySet<string>;
  #listener: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #looking: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#running = options.running;
  }

  begin(listener: () => Promise<void>): void {
    this.#listener = listener;
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  clear(): void {
    this.#isDue = false;
  }

  due(): void {
    this.#isDue = true;
    if (this.#listener !== undefined) this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#listener = undefined;
    await this.#looking;
  }

  #look(): void {
    this.#looking ??= this.#tell()
      .catch(() => void (this.#isDue = true)) // the next look tries again
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #tell(): Promise<void> {
    const { leases, hasDuty } = this.#options;
    if (hasDuty()) {
      const running = runningIn(await leases.heldLeases(PREFIX));
      this.#isDue ||= [...this.#running].some((one) => !running.has(one));
      this.#running = running;
    }
    if (!this.#isDue) return;
    this.#isDue = false;
    await this.#listener?.();
  }
}

/** Undefined also where the folder is full or read-only: then its last one is over when its lease is. */
function beforeIn({ stateFolder, producedBy }: PresenceOptions): string | undefined {
  try {
    return stateFolder === undefined ? undefined : lastOf(stateFolder, producedBy);
  } catch {
    return undefined;
  }
}

/** Who used the folder before, and from now on this one. */
function lastOf(folder: string, producedBy: string): string | undefined {
  const path = join(folder, LAST_FILE);
  const last = existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  writeFileSync(path, producedBy, { mode: 0o600 });
  return last;
}
