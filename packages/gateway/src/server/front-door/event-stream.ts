/**
 * Server-sent events: one stream, the response that carries it for now, and the events that a client which lost
 * its connection can still ask for by `Last-Event-ID`.
 */
import type { ServerResponse } from 'node:http';
import type { Bytes } from '../../application/ports.ts';

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;
export const KEEP_ALIVE = ': keep-alive\n\n';
/** How long a client should wait before it connects again. */
const RETRY_MS = 1_000;

/** `data:` takes one line; a bare carriage return ends a line too, and in JSON it is only white space. */
export function eventOf(message: readonly Bytes[], id?: string): string {
  let data = '';
  for (const part of message) data += typeof part === 'string' ? part : part.toString('latin1');
  if (data.includes('\r')) data = data.replaceAll('\r', ' ');
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`;
}

interface KeptEvent {
  readonly stream: number;
  readonly sequence: number;
  readonly text: string;
}

/** The latest events of one session, bounded in number and bytes. */
export class ReplayLog {
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #events: KeptEvent[] = [];
  #bytes = 0;
  /** The last event of each stream that had to go. */
  readonly #lost = new Map<number, number>();

  constructor(limits: { readonly replayEventsMax: number; readonly replayBytesMax: number }) {
    this.#eventsMax = limits.replayEventsMax;
    this.#bytesMax = limits.replayBytesMax;
  }

  add(event: KeptEvent): void {
    this.#events.push(event);
    this.#bytes += event.text.length;
    while (this.#events.length > this.#eventsMax || this.#bytes > this.#bytesMax) {
      const oldest = this.#events.shift();
      if (oldest === undefined) return;
      this.#bytes -= oldest.text.length;
      this.#lost.set(oldest.stream, oldest.sequence);
    }
  }

  /** Whether every event after `sequence` is still there. */
  isWhole(stream: number, sequence: number): boolean {
    return sequence >= (this.#lost.get(stream) ?? 0);
  }

  forget(stream: number): void {
    this.#lost.delete(stream);
  }

  after(stream: number, sequence: number): readonly KeptEvent[] {
    return this.#events.filter((event) => event.stream === stream && event.sequence > sequence);
  }
}

export interface EventStreamOptions {
  readonly number: number;
  readonly log: ReplayLog;
  /** Opens with an event that has an id and no data, so that a client can come back before the first message. */
  readonly primed: boolean;
  readonly bufferBytesMax: number;
}

/** Stream and sequence that an event id names. */
export function parseEventId(
  id: string,
): { readonly stream: number; readonly sequence: number } | undefined {
  const parts = /^(\d{1,9})-(\d{1,9})$/.exec(id);
  return parts === null ? undefined : { stream: Number(parts[1]), sequence: Number(parts[2]) };
}

export class EventStream {
  readonly number: number;
  readonly #options: EventStreamOptions;
  #response: ServerResponse | undefined;
  #sequence = 0;
  /** The last event that a response has carried. */
  #carried = 0;
  #ended = false;
  #attachments = 0;

  constructor(options: EventStreamOptions) {
    this.number = options.number;
    this.#options = options;
  }

  get attached(): boolean {
    return this.#response !== undefined;
  }

  /** Carried by a GET after its own response was lost. */
  get resumed(): boolean {
    return this.#attachments > 1;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Carries the stream on `response` from here on; a former one is ended. Events after `sequence` come again;
   * without it those that no response has carried yet.
   */
  attach(response: ServerResponse, sequence = this.#carried): void {
    this.#response?.end();
    this.#response = response;
    this.#attachments += 1;
    response.writeHead(200, EVENT_STREAM_HEADERS);
    response.on('close', () => {
      if (this.#response === response) this.#response = undefined;
    });
    if (this.#options.primed) {
      response.write(`id: ${this.number}-${sequence}\nretry: ${RETRY_MS}\ndata: \n\n`);
    } else response.flushHeaders();
    for (const event of this.#options.log.after(this.number, sequence))
      response.write(event.text, 'latin1');
    this.#carried = this.#sequence;
    if (this.#ended) response.end();
  }

  /** False where the client does not read: more than `bufferBytesMax` wait for it, and its connection is ended. */
  write(message: readonly Bytes[]): boolean {
    this.#sequence += 1;
    const text = eventOf(message, `${this.number}-${this.#sequence}`);
    this.#options.log.add({ stream: this.number, sequence: this.#sequence, text });
    if (this.#response === undefined) return true;
    if (this.#response.writableLength > this.#options.bufferBytesMax) {
      this.#response.destroy();
      this.#response = undefined;
      return false;
    }
    this.#response.write(text, 'latin1');
    this.#carried = this.#sequence;
    return true;
  }

  keepAlive(): void {
    this.#response?.write(KEEP_ALIVE);
  }

  end(): void {
    this.#ended = true;
    this.#response?.end();
    this.#response = undefined;
  }
}
