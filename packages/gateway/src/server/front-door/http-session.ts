/** A legacy session over HTTP: the session itself, its event streams, and what of them can be asked for again. */
import type { ServerResponse } from 'node:http';
import type { Bytes } from '../../application/ports.ts';
import { LegacySession, type LegacyClient } from '../../application/sessions/legacy-session.ts';
import type { Hub } from '../../application/dispatch/hub.ts';
import { PRIMING_REVISION } from '../../domain/protocol/revisions.ts';
import type { Limits } from '../../domain/limits.ts';
import { EventStream, parseEventId, ReplayLog } from './event-stream.ts';

/** Number of the stream that a GET opens; answers to POSTs count from 1. */
const STANDING = 0;
/** Streams of answers that are remembered for clients that lost them. */
const STREAMS_MAX = 64;

export class HttpSession {
  readonly session: LegacySession;
  readonly #limits: Limits;
  readonly #log: ReplayLog;
  readonly #standing: EventStream;
  readonly #streams = new Map<number, EventStream>();
  readonly #primed: boolean;
  #nextStream = 1;
  lastUsedAtMs: number;

  constructor(hub: Hub, client: LegacyClient, limits: Limits) {
    this.#limits = limits;
    this.#log = new ReplayLog(limits);
    this.#primed = client.revision >= PRIMING_REVISION;
    this.#standing = this.#newStream(STANDING);
    this.session = new LegacySession(hub, client, { send: (message) => this.say(message) });
    this.lastUsedAtMs = hub.options.clock.nowMs();
  }

  /** Whether the session may be ended to make room, or because nobody came for a while. */
  get idle(): boolean {
    return !this.session.busy && !this.#standing.attached;
  }

  /** A message that belongs to no request goes on the standing stream; it is kept for a client that is away. */
  say(message: readonly Bytes[]): void {
    this.#standing.write(message);
  }

  openStream(): EventStream {
    const stream = this.#newStream(this.#nextStream++);
    this.#streams.set(stream.number, stream);
    if (this.#streams.size > STREAMS_MAX) {
      for (const [number, { ended }] of this.#streams) {
        if (this.#streams.size <= STREAMS_MAX) break;
        if (!ended) continue;
        this.#streams.delete(number);
        this.#log.forget(number);
      }
    }
    return stream;
  }

  /** Puts a stream on a GET's response. False where events after `lastEventId` are not known any more. */
  listen(response: ServerResponse, lastEventId: string | undefined): boolean {
    if (lastEventId === undefined) {
      this.#standing.attach(response);
      return true;
    }
    const from = parseEventId(lastEventId);
    const stream =
      from?.stream === STANDING ? this.#standing : this.#streams.get(from?.stream ?? -1);
    if (from === undefined || stream === undefined) return false;
    if (!this.#log.isWhole(from.stream, from.sequence)) return false;
    stream.attach(response, from.sequence);
    return true;
  }

  keepAlive(): void {
    this.#standing.keepAlive();
    for (const stream of this.#streams.values()) if (stream.resumed) stream.keepAlive();
  }

  close(reason: string): void {
    this.session.close(reason);
    this.#standing.end();
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
  }

  #newStream(number: number): EventStream {
    const { clientBufferBytesMax } = this.#limits;
    return new EventStream({
      number,
      log: this.#log,
      primed: this.#primed,
      bufferBytesMax: clientBufferBytesMax,
    });
  }
}
