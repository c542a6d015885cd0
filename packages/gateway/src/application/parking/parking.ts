/**
 * Calls of modern clients that wait for answers. A parked call is found again by the sealed state that its client
 * carries, is this process's, and is gone when its time is up.
 *
 * Invariants
 * 1. A state opens its call once: the next round has a state of its own.
 * 2. Only who made the call goes on with it, with the same request.
 * 3. What is parked is bounded in number and time.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { LEG_MS_MAX } from '../../domain/protocol/input-rounds.ts';
import type { ClientText } from '../../domain/protocol/client-message.ts';
import type { ClientReply, Pending } from '../calls/reply.ts';
import type { Clock, ParkedCall, ParkedCallStore, Sealer } from '../ports.ts';
import {
  checkBearer,
  openState,
  sealState,
  strayState,
  type Bearer,
  type RequestState,
} from './request-state.ts';

export interface ParkingOptions {
  readonly clock: Clock;
  readonly store: ParkedCallStore;
  readonly sealer: Sealer;
  /** Name and version of the gateway. */
  readonly info: JsonObject;
}

/** The live end of a parked call. */
export interface Waiting {
  /** What it keeps in memory: its request and the questions. */
  readonly bytes: number;
  /** Its client is back. */
  goOn(retry: Retry): Pending;
  /** Nobody comes back for it. */
  abandon(reason: string): void;
}

/** A request that goes on with a parked call. */
export interface Retry {
  readonly reply: ClientReply;
  readonly text: ClientText;
  readonly declared: Declared;
}

/** What a request says that its client can be asked and told. */
export interface Declared {
  readonly capabilities: JsonObject;
  readonly logLevel: string | undefined;
}

/** What is kept of a call beside what the parking itself knows. */
export type ParkedFacts = Omit<ParkedCall, 'id' | 'reason' | 'expiresAtMs' | 'parkedAtMs'>;

interface Place {
  readonly principal: string;
  readonly waiting: Waiting;
  /** The one whose state opens it. */
  readonly round: number;
  readonly bytes: number;
  readonly timer: NodeJS.Timeout;
}

export type Found =
  | { readonly kind: 'call'; readonly waiting: Waiting }
  /** Nothing waits: the request is made anew, for the given time. */
  | { readonly kind: 'again'; readonly round: number };

/** Used states that are remembered, to tell a replay from a call that is gone. */
const USED_MAX = 4_096;
/** Of the questions that are open in all calls. Read, they take many times as much memory. */
const QUESTIONS_BYTES_MAX = 33_554_432;
/** Requests and questions of parked calls, together. A request takes some two and a half times its length in memory. */
const PARKED_BYTES_MAX = 134_217_728;

export class Parking {
  readonly #options: ParkingOptions;
  readonly #places = new Map<string, Place>();
  /** Of those. */
  #bytes = 0;
  /** States that were answered. The oldest first. */
  readonly #used = new Set<string>();
  /** Of the questions that wait for answers, counted by the calls that they belong to. */
  questionBytes = 0;

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  get info(): JsonObject {
    return this.#options.info;
  }

  list(): readonly ParkedCall[] {
    return this.#options.store.list();
  }

  /** Whether the questions that wait may take so much more. */
  hasRoomFor(bytes: number): boolean {
    return this.questionBytes + bytes <= QUESTIONS_BYTES_MAX;
  }

  newId(): string {
    return randomBytes(9).toString('base64url');
  }

  /** Keeps the call and answers the state for its client. @throws Fault GATEWAY_BUSY */
  park(id: string, facts: ParkedFacts, waiting: Waiting): string {
    const { bytes } = waiting;
    if (this.#bytes + bytes > PARKED_BYTES_MAX) {
      const detail = `calls that wait for clients may keep ${PARKED_BYTES_MAX} bytes together`;
      throw new Fault('GATEWAY_BUSY', detail);
    }
    const parkedAtMs = this.#options.clock.nowMs();
    const expiresAtMs = parkedAtMs + LEG_MS_MAX;
    const call: ParkedCall = { ...facts, id, reason: 'input', parkedAtMs, expiresAtMs };
    if (!this.#options.store.put(call)) {
      const detail = 'as many calls as may wait for clients do (limits.parked_calls_max)';
      throw new Fault('GATEWAY_BUSY', detail);
    }
    const timer = setTimeout(() => {
      this.leave(id);
      waiting.abandon('the client did not answer in time');
    }, LEG_MS_MAX);
    timer.unref();
    const { principal, round } = facts;
    this.#places.set(id, { principal, waiting, round, bytes, timer });
    this.#bytes += bytes;
    return this.#seal('call', id, facts, expiresAtMs);
  }

  /** The state for a request that is to be made again, with nothing waiting for it. */
  sealAgain(facts: Omit<ParkedFacts, 'asks' | 'mcpServerId'>): string {
    const expiresAtMs = this.#options.clock.nowMs() + LEG_MS_MAX;
    return this.#seal('again', this.newId(), facts, expiresAtMs);
  }

  /**
   * The call that a client's state names; undefined where the state is not this gateway's.
   * @throws Fault REQUEST_STATE_…, PARKED_CALL_GONE
   */
  find(sealed: string, bearer: Bearer): Found | undefined {
    const state = openState(this.#options.sealer, sealed);
    if (state === undefined) return undefined;
    checkBearer(state, bearer, this.#options.clock.nowMs());
    if (state.kind === 'again') {
      if (!this.#use(useOf(state.id, state.round))) throw replayed();
      return { kind: 'again', round: state.round };
    }
    const place = this.#places.get(state.id);
    if (place?.round === state.round) return { kind: 'call', waiting: place.waiting };
    // What was used long ago is forgotten; a call in a later round shows it all the same.
    if (place !== undefined || this.#used.has(useOf(state.id, state.round))) throw replayed();
    throw gone();
  }

  /** The call goes on, or is over: its state opens nothing any more. */
  leave(id: string): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    clearTimeout(place.timer);
    this.#places.delete(id);
    this.#bytes -= place.bytes;
    this.#options.store.remove(id);
  }

  /** A call went on: whoever brings the same state once more is told so. */
  went(id: string, round: number): void {
    this.leave(id);
    this.#use(useOf(id, round));
  }

  /** One client behind modern requests is gone for good: its calls wait for nobody. */
  releasePrincipal(principal: string): void {
    for (const [id, place] of this.#places) {
      if (place.principal !== principal) continue;
      this.leave(id);
      place.waiting.abandon('the client is gone');
    }
  }

  /** The fault of a state that came for a server that hands out none. */
  stray(sealed: unknown): Fault {
    return strayState(this.#options.sealer, sealed);
  }

  close(): void {
    for (const id of this.#places.keys()) this.leave(id);
  }

  /** False where it was used before. */
  #use(use: string): boolean {
    if (this.#used.has(use)) return false;
    this.#used.add(use);
    const oldest = this.#used.size > USED_MAX ? this.#used.values().next().value : undefined;
    if (oldest !== undefined) this.#used.delete(oldest);
    return true;
  }

  #seal(
    kind: RequestState['kind'],
    id: string,
    { principal, requestDigest, round }: Pick<ParkedFacts, 'principal' | 'requestDigest' | 'round'>,
    expiresAtMs: number,
  ): string {
    const state = { kind, id, principal, requestDigest, expiresAtMs, round };
    return sealState(this.#options.sealer, state);
  }
}

const useOf = (id: string, round: number): string => `${id} ${round}`;

const replayed = (): Fault =>
  new Fault('REQUEST_STATE_REPLAYED', 'every state is answered once; make the call again');

const gone = (): Fault =>
  new Fault(
    'PARKED_CALL_GONE',
    'its server has ended, it was cancelled or it waited too long; make the call again',
  );
