import { followEvents, NEWEST_MAX } from '@mcp-hangar/eventing/follow';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { Logger } from '../../application/ports.ts';
import type { EventOptions, HangarEvent, HangarEvents } from './api.ts';
import { HangarError } from './hangar-error.ts';

type Log = Pick<EventStore, 'readAll' | 'readAllBackward'>;

/** The event log as a program reads it: at its own pace, until `ended`. */
export class EventFeed implements HangarEvents {
  readonly #log: Log;
  readonly #logger: Logger;
  readonly #ended: AbortSignal;

  constructor(log: Log, logger: Logger, ended: AbortSignal) {
    this.#log = log;
    this.#logger = logger;
    this.#ended = ended;
  }

  follow({ types, past = 0, signal }: EventOptions = {}): AsyncIterableIterator<HangarEvent> {
    if (!(Number.isSafeInteger(past) && past >= 0 && past <= NEWEST_MAX))
      throw new HangarError('INPUT_INVALID', `past is a whole number from 0 to ${NEWEST_MAX}`, {
        data: { field: 'past' },
      });
    // Looked up now: the reader may begin later.
    const head = past > 0 ? Promise.resolve(undefined) : this.#head();
    head.catch(() => undefined); // told to who reads
    const ends = signal === undefined ? this.#ended : AbortSignal.any([this.#ended, signal]);
    const only = types === undefined ? {} : { types };
    return read(this.#log, ends, async () =>
      past > 0 ? { ...only, newest: past } : { ...only, after: await head },
    );
  }

  subscribe(listener: (event: HangarEvent) => void, options: EventOptions = {}): () => void {
    const over = new AbortController();
    const signal =
      options.signal === undefined ? over.signal : AbortSignal.any([over.signal, options.signal]);
    void this.#tell(listener, this.follow({ ...options, signal }));
    return () => over.abort();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<HangarEvent> {
    return this.follow();
  }

  async #head(): Promise<StoredEvent['position'] | undefined> {
    const { events } = await this.#log.readAllBackward(undefined, 1);
    return events[0]?.position;
  }

  async #tell(
    listener: (event: HangarEvent) => void,
    events: AsyncIterable<HangarEvent>,
  ): Promise<void> {
    try {
      for await (const event of events) this.#hand(listener, event);
    } catch (error) {
      this.#logger.warn({ reason: messageOf(error) }, 'events_not_read');
    }
  }

  /** A listener that fails, at once or with its promise, is told of in the log and nowhere else. */
  #hand(listener: (event: HangarEvent) => unknown, event: HangarEvent): void {
    const failed = (error: unknown): void =>
      this.#logger.error({ type: event.type, reason: messageOf(error) }, 'event_listener_failed');
    try {
      const outcome = listener(event);
      if (outcome instanceof Promise) outcome.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

async function* read(
  log: Log,
  signal: AbortSignal,
  selection: () => Promise<Parameters<typeof followEvents>[1]>,
): AsyncGenerator<HangarEvent, void> {
  for await (const event of followEvents(log, await selection(), { signal })) yield plain(event);
}

const plain = ({ type, id, stream, occurredAtMs, data }: StoredEvent): HangarEvent => ({
  type,
  id,
  stream,
  occurredAt: new Date(occurredAtMs),
  data,
});
