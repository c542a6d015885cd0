/**
 * What clients want to hear of the resources of one child: a shared one, or one client's own. However many clients
 * want a URI, the child is asked once. A child that ended is started again while anybody wants anything.
 *
 * Invariants
 * 1. A subscriber hears of what it asked for and of what lies below, once for each update.
 * 2. The child is pinned while anything is wanted.
 * 3. What the server once agreed to tell, a new child is asked to tell as well; then subscribers hear that it may
 *    have changed meanwhile.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { covers } from '../../domain/catalog/resource-places.ts';
import { backoffMs } from '../../domain/mcp-server/backoff.ts';
import { RPC } from '../../domain/protocol/json-rpc.ts';
import { RpcRefusal } from '../calls/ask.ts';
import type { Clock } from '../ports.ts';
import { updatedUri, type Child, type ServerNotification } from '../servers/child.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import { NotHonoured, type ResourceSource } from './resource-source.ts';
import { mayBeUpdated } from './updates.ts';

/** Of one child, over all clients. A remote server is told as many again when its session was lost. */
const URIS_PER_CHILD_MAX = 1_000;

/** An update on its way to one client. */
export interface Update {
  readonly server: Upstream;
  /** The URI that the client subscribed to: the one that the notification names, or one above it. */
  readonly wanted: string;
  readonly notification: ServerNotification;
}

/** One client that hears of resources. */
export interface Subscriber {
  updated(update: Update): void;
}

export interface FeedOptions {
  readonly server: McpServer;
  /** For whom a child is started again. */
  readonly user: ServerUser;
  readonly clock: Clock;
  readonly random: () => number;
  sourceOf(child: Child): ResourceSource;
  /** Nobody wants anything any more. */
  emptied(): void;
}

interface Wanted {
  readonly subscribers: Set<Subscriber>;
  /** The server has agreed to it, if only before its last restart. */
  isAgreed: boolean;
  /** The child that was asked. */
  askedOn: Child | undefined;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #wanted = new Map<string, Wanted>();
  #child: Child | undefined;
  #isPinned = false;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get child(): Child | undefined {
    return this.#child;
  }

  /** This child tells from now on; what is agreed is asked of it, too. */
  attach(child: Child): void {
    if (child.isGone) return;
    const isOther = this.#child !== undefined && this.#child !== child && !this.#child.isGone;
    if (isOther && this.#options.server.spec.replicas > 1) return; // one of several tells
    if (this.#child !== child) {
      this.#pin(false);
      this.#child = child;
      this.#pin(this.#wanted.size > 0);
    }
    clearTimeout(this.#timer);
    for (const [uri, wanted] of this.#wanted) {
      if (wanted.isAgreed && wanted.askedOn !== child) this.#askAgain(child, uri, wanted);
    }
  }

  /**
   * Resolves when the server has agreed to tell of the URI. To be called with a child attached.
   * @param isStrict a server that does not declare that it tells of changes is not asked
   * @throws Fault GATEWAY_BUSY and those of the connection; RpcRefusal; NotHonoured
   */
  async add(uri: string, subscriber: Subscriber, isStrict: boolean): Promise<void> {
    const child = this.#child;
    if (child === undefined) {
      if (this.#wanted.size === 0) this.#options.emptied();
      throw new Fault('UPSTREAM_ENDED', 'the server has ended');
    }
    const wanted = this.#wanted.get(uri) ?? this.#newWanted(uri);
    wanted.subscribers.add(subscriber);
    this.#pin(true);
    if (wanted.isAgreed) return;
    try {
      await this.#ask(child, uri, { wanted, isStrict });
    } catch (error) {
      this.remove(uri, subscriber);
      throw error;
    }
  }

  remove(uri: string, subscriber: Subscriber): void {
    const wanted = this.#wanted.get(uri);
    if (wanted?.subscribers.delete(subscriber) !== true || wanted.subscribers.size > 0) return;
    this.#wanted.delete(uri);
    const child = this.#child;
    if (child !== undefined && wanted.askedOn === child)
      this.#options.sourceOf(child).unsubscribe(uri);
    if (this.#wanted.size > 0) return;
    this.close();
    this.#options.emptied();
  }

  /** An update of the child: for the client that wants it under several URIs, the one that says most. */
  heard(notification: ServerNotification): void {
    const uri = updatedUri(notification);
    if (uri === undefined) return;
    const { server } = this.#options;
    const told = new Set<Subscriber>();
    const matches = [...this.#wanted].filter(([wanted]) => covers(wanted, uri));
    for (const [wanted, { subscribers }] of matches.toSorted(([a], [b]) => b.length - a.length)) {
      for (const subscriber of subscribers) {
        if (told.has(subscriber)) continue;
        told.add(subscriber);
        subscriber.updated({ server, wanted, notification });
      }
    }
  }

  /** @param startAgain whether another child is started although nobody calls */
  childEnded(child: Child, startAgain: boolean): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#isPinned = false;
    if (startAgain && this.#wanted.size > 0) this.#startLater();
  }

  /** There is nothing to hear of any more. Who reads one of the resources now is told why. */
  end(): void {
    for (const uri of this.#wanted.keys()) this.heard(mayBeUpdated(uri));
    this.close();
  }

  /** Holds nothing any more, and starts nothing. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#pin(false);
  }

  #newWanted(uri: string): Wanted {
    if (this.#wanted.size >= URIS_PER_CHILD_MAX) {
      const { id } = this.#options.server.spec;
      const detail = `clients are subscribed to ${URIS_PER_CHILD_MAX} resources of MCP server "${id}"`;
      throw new Fault('GATEWAY_BUSY', detail);
    }
    const wanted: Wanted = { subscribers: new Set(), isAgreed: false, askedOn: undefined };
    this.#wanted.set(uri, wanted);
    return wanted;
  }

  async #ask(
    child: Child,
    uri: string,
    { wanted, isStrict }: { readonly wanted: Wanted; readonly isStrict: boolean },
  ): Promise<void> {
    const source = this.#options.sourceOf(child);
    if (isStrict && !source.isDeclared) {
      const message = 'the server does not tell of changes of its resources';
      throw new RpcRefusal({ code: RPC.methodNotFound, message });
    }
    wanted.askedOn = child;
    await source.subscribe(uri);
    wanted.isAgreed = true;
  }

  #askAgain(child: Child, uri: string, wanted: Wanted): void {
    const isCurrent = (): boolean => this.#child === child && this.#wanted.get(uri) === wanted;
    this.#ask(child, uri, { wanted, isStrict: false }).then(
      () => {
        this.#failures = 0;
        if (isCurrent()) this.heard(mayBeUpdated(uri));
      },
      (error: unknown) => {
        // Who refuses is asked again when it starts again; its clients cannot be told.
        if (!isCurrent() || error instanceof RpcRefusal || error instanceof NotHonoured) return;
        wanted.askedOn = undefined;
        this.#startLater();
      },
    );
  }

  #startLater(): void {
    if (this.#isClosed) return;
    const { server, random } = this.#options;
    this.#failures += 1;
    clearTimeout(this.#timer);
    const ms = Math.max(backoffMs(this.#failures, random()), server.retryInMs);
    this.#timer = setTimeout(() => void this.#start(), ms);
    this.#timer.unref();
  }

  async #start(): Promise<void> {
    const { server, user, clock } = this.#options;
    try {
      const child = await server.take(user);
      if (!this.#isClosed) this.attach(child);
      child.end(clock.nowMs(), false);
    } catch {
      this.#startLater(); // its server has logged why
    }
  }

  #pin(isWanted: boolean): void {
    if (this.#child === undefined || this.#isPinned === isWanted) return;
    this.#isPinned = isWanted;
    this.#child.pins += isWanted ? 1 : -1;
  }
}
