/**
 * Children that were told client capabilities, lent to one owner at a time.
 *
 * Order of choice for a session: the child that it holds; an idle one that has worked for nobody yet; for one call: an
 * idle one whose last call is answered; then a new one while there are fewer than `max`; an idle one of somebody else is
 * ended to make room; else wait.
 *
 * Invariants
 * 1. Work begins on a child in the moment in which it is lent: nobody else can get it in between.
 * 2. A session never waits for two starts: what it asks for meanwhile goes to the same child.
 * 3. Whatever frees a child or room (a call, a question or a child ends, a start fails) lets waiters go on.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { Child, Owner } from './child.ts';

export type LeasedSeat = Extract<Seat, { kind: 'leased' }>;

export interface LeaseSource {
  /** Starts a child; rejects where it cannot. */
  start(seat: LeasedSeat): Promise<Child>;
  /** Ends an idle child; its slot is free at once. */
  stop(child: Child): void;
}

/** Work that its client may give up while it waits for a child. */
export interface Cancellable {
  /** Aborted when the work is over, however it ended. */
  readonly signal: AbortSignal;
}

/** Somebody who waits for a child to become free, or to start. */
interface Wish {
  readonly seat: LeasedSeat;
  readonly owner: Owner;
  readonly resolve: (child: Child) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
  readonly work: Cancellable | undefined;
  readonly giveUp: () => void;
  /** For a free child, or for one that is starting for it. */
  waitsFor: 'child' | 'start' | 'nothing';
  key: number;
}

export interface LeaseLimits {
  readonly childrenMax: number;
  readonly waitMs: number;
}

export class LeasePool {
  readonly #source: LeaseSource;
  #limits: LeaseLimits;
  readonly #children = new Set<Child>();
  readonly #wishes = new SlotMap<Wish>();
  /** Starts under way, also those whose wish was given up. */
  #starts = 0;
  #serveScheduled = false;

  constructor(source: LeaseSource, limits: LeaseLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** Children that work or can, and those to be; one whose call is parked takes no place. */
  get size(): number {
    const parked = [...this.#children].filter((child) => child.isParked).length;
    return this.#children.size - parked + this.#starts;
  }

  /** Another number of children from now on: of those that are too many none is ended. */
  resize(childrenMax: number): void {
    this.#limits = { ...this.#limits, childrenMax };
    this.#letWaitersGoOn();
  }

  /** Somebody waits for a child of it. */
  get isWaitedFor(): boolean {
    return this.#wishes.size > 0;
  }

  /** A child for `owner`, at once where one is running and free. Its work has begun: the caller ends it. */
  take(seat: LeasedSeat, owner: Owner, work?: Cancellable): Child | Promise<Child> {
    const child = this.#free(seat, owner);
    if (child !== undefined) return lend(child, owner);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(wish), this.#limits.waitMs);
      const giveUp = (): void => this.#drop(wish, new Fault('UPSTREAM_ENDED', 'it was given up'));
      const told = { seat, owner, resolve, reject, timer, work, giveUp };
      const wish: Wish = { ...told, waitsFor: 'child', key: 0 };
      wish.key = this.#wishes.insert(wish);
      if (work?.signal.aborted === true) giveUp();
      else if (this.#awaitsStart(wish)) clearTimeout(timer); // that start has a limit of its own
      else if (this.#hasRoom()) this.#startFor(wish);
      if (wish.waitsFor !== 'nothing')
        work?.signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** A child rests: it is free for the next, unless it may not be lent again. */
  rested(child: Child): void {
    if (child.isLentByCall && isIdle(child)) {
      child.owner = undefined;
      // Where it crashed that is said in this turn: a crash is not to look like a stop.
      if (!mayBeLentAgain(child)) queueMicrotask(() => this.#discard(child));
    }
    this.#letWaitersGoOn();
  }

  #discard(child: Child): void {
    if (child.isGone || !isIdle(child) || child.pins > 0 || child.tasks > 0) return;
    this.#end(child);
    this.#letWaitersGoOn();
  }

  /** Whoever waits may go on, once all that ends in this turn has ended. */
  #letWaitersGoOn(): void {
    if (this.#serveScheduled || this.#wishes.size === 0) return;
    this.#serveScheduled = true;
    queueMicrotask(() => {
      this.#serveScheduled = false;
      this.#serve();
    });
  }

  ended(child: Child): void {
    if (this.#children.delete(child)) this.#letWaitersGoOn();
  }

  /** The owner is gone: it waits no more, what it bound is ended, the rest is free for others. */
  release(owner: Owner): void {
    for (const wish of this.#wishes) {
      if (wish.owner === owner)
        this.#drop(wish, new Fault('UPSTREAM_ENDED', 'the session has ended'));
    }
    for (const child of this.#children) {
      if (child.owner === owner) this.#end(child);
    }
    this.#letWaitersGoOn();
  }

  /** One client behind modern requests is gone for good: what was lent to its calls alone is ended. */
  releasePrincipal(principal: string): void {
    for (const child of this.#children) {
      if (isIdle(child) && keyOf(child).startsWith(`${principal} `)) this.#end(child);
    }
  }

  /** Nobody waits any more. Children and starts are their source's to end. */
  close(reason: Fault): void {
    for (const wish of this.#wishes) this.#drop(wish, reason);
  }

  #free(seat: LeasedSeat, owner: Owner): Child | undefined {
    let idle: Child | undefined;
    for (const child of this.#children) {
      if (child.isGone || child.seat.era !== seat.era || keyOf(child) !== seat.key) continue;
      if (seat.lending === 'session') {
        if (child.owner === owner) return child;
        // Whom it has worked for it may still ask or tell something: nobody else gets it, even when it rests.
        if (child.owner === undefined && isIdle(child)) idle ??= child;
      } else if (isIdle(child) && mayBeLentAgain(child) && child.mayTell(owner)) idle ??= child;
    }
    return idle;
  }

  #hasRoom(): boolean {
    return this.size < this.#limits.childrenMax || this.#evict();
  }

  /** Ends the idle child that has rested longest; false where every child works. */
  #evict(): boolean {
    const idle = [...this.#children]
      .filter((child) => isIdle(child) && child.pins === 0 && child.tasks === 0)
      .toSorted((a, b) => a.lastUsedAtMs - b.lastUsedAtMs)[0];
    if (idle === undefined) return false;
    this.#end(idle);
    return true;
  }

  #end(child: Child): void {
    this.#children.delete(child);
    this.#source.stop(child);
  }

  /** Serves all who can be served: one event may have freed more than one child. */
  #serve(): void {
    for (const wish of this.#wishes) {
      if (wish.waitsFor !== 'child') continue;
      const child = this.#free(wish.seat, wish.owner);
      if (child !== undefined) this.#fulfil(wish, child);
      else if (!this.#awaitsStart(wish) && this.#hasRoom()) this.#startFor(wish);
    }
  }

  /** Whether a start is under way whose child will be this owner's. */
  #awaitsStart(wish: Wish): boolean {
    return this.#wishes.some((other) => other.waitsFor === 'start' && isSame(other, wish));
  }

  /** Those whose child the one that starts for `wish` will be, too. */
  #waitingLike(wish: Wish): readonly Wish[] {
    return [...this.#wishes].filter((other) => other.waitsFor === 'child' && isSame(other, wish));
  }

  #startFor(wish: Wish): void {
    wish.waitsFor = 'start';
    clearTimeout(wish.timer);
    for (const other of this.#waitingLike(wish)) clearTimeout(other.timer);
    this.#starts += 1;
    this.#source.start(wish.seat).then(
      (child) => this.#started(wish, child),
      (error: unknown) => {
        this.#starts -= 1;
        this.#drop(wish, error);
        for (const other of this.#waitingLike(wish)) this.#drop(other, error);
        this.#letWaitersGoOn();
      },
    );
  }

  #started(wish: Wish, child: Child): void {
    this.#starts -= 1;
    if (child.isGone)
      this.#drop(wish, new Fault('UPSTREAM_ENDED', 'the server ended as soon as it was ready'));
    else {
      this.#children.add(child);
      if (wish.waitsFor === 'start') this.#fulfil(wish, child);
    }
    this.#letWaitersGoOn();
  }

  #fulfil(wish: Wish, child: Child): void {
    this.#forget(wish);
    wish.resolve(lend(child, wish.owner));
  }

  #drop(wish: Wish, error: unknown): void {
    this.#forget(wish);
    wish.reject(error);
  }

  #forget(wish: Wish): void {
    this.#wishes.remove(wish.key);
    wish.waitsFor = 'nothing';
    clearTimeout(wish.timer);
    wish.work?.signal.removeEventListener('abort', wish.giveUp);
  }

  #expire(wish: Wish): void {
    const { childrenMax, waitMs } = this.#limits;
    const detail = `all ${childrenMax} children of the server were busy for ${waitMs} ms (leased_children_max)`;
    this.#drop(wish, new Fault('LEASE_TIMED_OUT', detail));
  }
}

const keyOf = (child: Child): string => (child.seat.kind === 'leased' ? child.seat.key : '');

const isIdle = (child: Child): boolean => child.inFlight === 0 && child.asking === 0;

/** Whether the next call cannot meet anything of the one before. */
function mayBeLentAgain({ seat, bound, spoiled }: Child): boolean {
  if (spoiled) return false;
  return !bound || (seat.kind === 'leased' && seat.lending === 'call-of-client');
}

/** Two wishes that one child of a legacy owner fulfils. */
const isSame = (a: Wish, b: Wish): boolean =>
  a.owner === b.owner &&
  a.seat.lending === 'session' &&
  b.seat.lending === 'session' &&
  a.seat.key === b.seat.key;

function lend(child: Child, owner: Owner): Child {
  child.begin(owner);
  return child;
}
