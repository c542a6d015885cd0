/**
 * A child of the modern era: one `subscriptions/listen` for its lists and all URIs that somebody wants.
 *
 * The set of URIs of a stream cannot change. So another one is opened, and the old one is closed once the new one is
 * acknowledged: at every moment one of them hears. On one pipe what a server says keeps its order, so the new one
 * begins where the old one ends. Over HTTP two streams may overtake each other: both are read for a moment, and what
 * is said meanwhile is told once, at its end.
 *
 * Invariants
 * 1. At most two streams are open: the one that hears, and the one before it or the one that follows.
 * 2. What was told to nobody because no stream was open is made up for: each list and each URI "may have changed".
 * 3. After `close` nothing is opened and nobody is told.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { backoffMs } from '../../domain/mcp-server/backoff.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import type { Child, ServerNotification } from '../servers/child.ts';
import { declaresSubscribe } from './legacy-source.ts';
import { ALL_LISTS, type ListenFilter } from './listen-filter.ts';
import { ListenStream, type ListenEvents } from './listen-stream.ts';
import { NotHonoured, type ResourceSource } from './resource-source.ts';
import { madeNotification, mayBeUpdated, UPDATED } from './updates.ts';

/** How long a server may take to acknowledge what it will tell. */
const ACKNOWLEDGE_MS_MAX = 10_000;
/** How long two streams that may overtake each other are both read. */
const OVERLAP_MS = 50;
/** Told over two streams; more of them are passed on as they come, and perhaps twice. */
const HELD_MAX = 1_000;
/** Those are heard on streams of each client's own. */
const NO_TASKS: ReadonlySet<string> = new Set();
/** A stream that lived for so long did not fail. */
const HEALTHY_AFTER_MS = 60_000;

interface Wanted {
  readonly agreed: Promise<void>;
  readonly settle: (failure: Error | undefined) => void;
  isAgreed: boolean;
}

export class ListenSource implements ResourceSource, ListenEvents {
  readonly #child: Child;
  readonly #meta: JsonObject;
  readonly #random: () => number;
  readonly #wanted = new Map<string, Wanted>();
  /** The stream that hears. */
  #current: ListenStream | undefined;
  #currentSinceMs = 0;
  /** Asked for, and not acknowledged yet. */
  #next: ListenStream | undefined;
  /** Still read beside the one that took its place. */
  #old: ListenStream | undefined;
  /** Of the one thing that is waited for: an acknowledgement, the end of the overlap, the next try. */
  #timer: NodeJS.Timeout | undefined;
  #isRenewScheduled = false;
  readonly #held = new Map<string, ServerNotification>();
  /** Streams that ended, in a row. */
  #failures = 0;
  /** Since the last stream ended nobody has heard anything. */
  #hasGap = false;
  #isClosed = false;

  constructor(child: Child, meta: JsonObject, random: () => number) {
    this.#child = child;
    this.#meta = meta;
    this.#random = random;
    this.#open();
  }

  get isDeclared(): boolean {
    return declaresSubscribe(this.#child.connection);
  }

  subscribe(uri: string): Promise<void> {
    const known = this.#wanted.get(uri);
    if (known !== undefined) return known.agreed;
    let settle: Wanted['settle'] = () => undefined;
    const agreed = new Promise<void>((resolve, reject) => {
      settle = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    this.#wanted.set(uri, { agreed, settle, isAgreed: false });
    this.#renewSoon();
    return agreed;
  }

  unsubscribe(uri: string): void {
    const wanted = this.#wanted.get(uri);
    if (wanted === undefined) return;
    this.#wanted.delete(uri);
    wanted.settle(new Fault('UPSTREAM_ENDED', 'it is not wanted any more'));
    this.#renewSoon();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const gone = new Fault('UPSTREAM_ENDED', 'the server has ended');
    for (const { settle } of this.#wanted.values()) settle(gone);
    this.#wanted.clear();
    this.#held.clear();
  }

  acknowledged(stream: ListenStream, honoured: ListenFilter): void {
    if (this.#isClosed) return;
    if (stream === this.#next) this.#promote(stream);
    else if (stream === this.#current) this.#makeUp(honoured); // the transport had lost it, and asked again
  }

  told(stream: ListenStream, notification: ServerNotification): void {
    if (this.#isClosed) return;
    if (this.#old !== undefined && this.#held.size < HELD_MAX) {
      const uri = spanText(notification.line.text, notification.line.spans, SERVER_SLOT.updatedUri);
      this.#held.set(`${notification.method} ${uri}`, notification);
    } else if (stream !== this.#next || this.#current === undefined) this.#pass(notification);
    // What a stream says before it is acknowledged the one before it says as well.
  }

  ended(stream: ListenStream, reason: Error): void {
    if (this.#isClosed) return;
    if (stream === this.#next) this.#refused(reason);
    else if (stream === this.#old) this.#endOverlap();
    else if (stream === this.#current) this.#lose(stream);
  }

  /** All that is asked for in one turn goes into one stream. */
  #renewSoon(): void {
    if (this.#isRenewScheduled) return;
    this.#isRenewScheduled = true;
    queueMicrotask(() => {
      this.#isRenewScheduled = false;
      this.#renew();
    });
  }

  /** Opens another stream where what is wanted is not what is heard; one at a time. */
  #renew(): void {
    if (this.#next !== undefined || this.#old !== undefined) return;
    const heard = this.#current;
    const isHeard =
      heard === undefined
        ? [...this.#wanted.values()].every(({ isAgreed }) => isAgreed) // they wait for the next try
        : heard.wanted.uris.size === this.#wanted.size &&
          [...this.#wanted.keys()].every((uri) => heard.wanted.uris.has(uri));
    if (!isHeard) this.#open();
    // What was given up and wanted again in one turn is heard all the time.
    else if (heard !== undefined) this.#settleAll(heard);
  }

  #open(): void {
    if (this.#isClosed || this.#child.isGone) return;
    clearTimeout(this.#timer);
    const { connection } = this.#child;
    const wanted = { lists: ALL_LISTS, uris: new Set(this.#wanted.keys()), taskIds: NO_TASKS };
    const stream = new ListenStream(connection, { wanted, meta: this.#meta }, this);
    this.#next = stream;
    this.#later(ACKNOWLEDGE_MS_MAX, () => this.#unacknowledged(stream));
    try {
      stream.open();
    } catch (error) {
      this.#refused(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The new stream hears. */
  #promote(stream: ListenStream): void {
    clearTimeout(this.#timer);
    const { honoured } = stream;
    this.#next = undefined;
    this.#old = this.#current;
    this.#current = stream;
    this.#currentSinceMs = performance.now();
    this.#settleAll(stream);
    if (this.#hasGap && honoured !== undefined) this.#makeUp(honoured);
    this.#hasGap = false;
    if (this.#old === undefined) this.#renewSoon();
    else if (this.#child.connection.mayReorder === true)
      this.#later(OVERLAP_MS, () => this.#endOverlap());
    else this.#endOverlap();
  }

  #settleAll({ wanted: { uris }, honoured }: ListenStream): void {
    for (const uri of uris) {
      const wanted = this.#wanted.get(uri);
      // One that it honoured before is asked for again each time, and stays.
      if (wanted === undefined || wanted.isAgreed) continue;
      wanted.isAgreed = honoured?.uris.has(uri) === true;
      if (!wanted.isAgreed) this.#wanted.delete(uri);
      const refusal = new NotHonoured(`the server tells nothing of ${uri}`);
      wanted.settle(wanted.isAgreed ? undefined : refusal);
    }
  }

  #endOverlap(): void {
    clearTimeout(this.#timer);
    this.#old?.close();
    this.#old = undefined;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const notification of held) this.#pass(notification);
    this.#renewSoon();
  }

  #unacknowledged(stream: ListenStream): void {
    if (stream.wanted.uris.size === 0) {
      this.#promote(stream); // some servers tell without having said that they will
      return;
    }
    stream.close();
    const detail = `the server did not acknowledge the subscription in ${ACKNOWLEDGE_MS_MAX} ms`;
    this.#refused(new Fault('CALL_TIMED_OUT', detail));
  }

  /** The new stream was not to be had: what only it would have heard is refused, the one before goes on. */
  #refused(reason: Error): void {
    clearTimeout(this.#timer);
    const uris = this.#next?.wanted.uris ?? [];
    this.#next = undefined;
    for (const uri of uris) {
      const wanted = this.#wanted.get(uri);
      if (wanted === undefined || wanted.isAgreed) continue;
      this.#wanted.delete(uri);
      wanted.settle(reason);
    }
    if (this.#current !== undefined) this.#renewSoon();
    else if (this.#wanted.size > 0 || this.#hasGap) this.#openLater();
    // A server that never listened does not begin to: its lists are read at every start.
  }

  #lose(stream: ListenStream): void {
    this.#current = undefined;
    if (performance.now() - this.#currentSinceMs > HEALTHY_AFTER_MS) this.#failures = 0;
    if (this.#old !== undefined) this.#endOverlap();
    const { honoured } = stream;
    this.#hasGap ||= honoured !== undefined && honoured.lists.length + honoured.uris.size > 0;
    if (this.#next === undefined && this.#hasGap) this.#openLater();
  }

  #openLater(): void {
    this.#failures += 1;
    this.#later(backoffMs(this.#failures, this.#random()), () => this.#open());
  }

  /** What changed while nobody heard. */
  #makeUp({ lists, uris }: ListenFilter): void {
    for (const list of lists) this.#pass(madeNotification(`notifications/${list}/list_changed`));
    for (const uri of uris)
      if (this.#wanted.get(uri)?.isAgreed === true) this.#pass(mayBeUpdated(uri));
  }

  /** Changes are everybody's business; whatever else a server says on the stream is nobody's. */
  #pass(notification: ServerNotification): void {
    if (notification.method === UPDATED || notification.method.endsWith('/list_changed'))
      this.#child.notification(notification);
  }

  #later(ms: number, next: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(next, ms);
    this.#timer.unref();
  }
}
