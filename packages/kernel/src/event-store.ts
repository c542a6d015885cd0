/**
 * The port of every event log. Adapters live in `packages/eventing`; one contract suite runs on each.
 *
 * Invariants
 * 1. The events of one append are stored all or not at all, in their order, with consecutive versions.
 * 2. What was acknowledged survives a kill of the process; a durable adapter says so of a power cut too.
 * 3. Positions grow in the order in which readers see events; a reader that follows `readAll` never skips one.
 * 4. Old events may go (retention), the oldest of a stream first; versions and positions are never given again.
 */
import type { Lease } from './lease.ts';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface NewEvent {
  /** UUID; storing it twice is refused. Ids that grow with time (version 7) keep the log fast and small. */
  readonly id: string;
  /** Past tense, stored for ever: `McpServerStarted`. */
  readonly type: string;
  readonly schemaVersion: number;
  /** Whole milliseconds since the Unix epoch, by the clock of the producer, which may jump. */
  readonly occurredAtMs: number;
  /** Who wrote it: host and a random part. */
  readonly producedBy: string;
  readonly data: { readonly [key: string]: JsonValue };
}

/** Opaque; later positions compare greater as text. */
export type Position = string & { readonly __position: true };

export interface StoredEvent extends NewEvent {
  readonly position: Position;
  readonly stream: string;
  /** 1 for the first event of its stream. */
  readonly version: number;
}

/** The version that the stream must have: `none` = it must not exist, `any` = append at its end. */
export type ExpectedVersion = number | 'none' | 'any';

export interface Append {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  /** At least one. */
  readonly events: readonly NewEvent[];
  /** Only while this is the last acquisition of its lease; else LeaseLost. */
  readonly guard?: Pick<Lease, 'name' | 'generation'>;
}

export interface Appended {
  /** Of the stream, after the append. */
  readonly version: number;
  /** Of the last event. */
  readonly position: Position;
}

export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** Where to go on; the given position where there was nothing. */
  readonly next: Position | undefined;
  /** There was nothing beyond `next` when it was read. */
  readonly isHead: boolean;
}

/** Every page may hold fewer events than `max`, but not none while there are some: pages are bounded in bytes too. */
export interface EventStore extends AsyncDisposable {
  /**
   * Resolves when the events are durable.
   * @throws VersionConflict; DuplicateEvent; LeaseLost; TypeError where an event cannot be stored as it is;
   * Fault EVENT_STORE_BUSY (nothing was written) or EVENT_STORE_UNAVAILABLE (nothing was, unless its data says
   * `outcome: 'unknown'`: the same append again then ends in DuplicateEvent where it had been stored)
   */
  append(append: Append): Promise<Appended>;
  /** One stream in order, from a version (1 unless given), at most `max` events (1,000 unless given). */
  read(stream: string, from?: number, max?: number): Promise<readonly StoredEvent[]>;
  /** Everything after a position, at most `max` events. */
  readAll(after: Position | undefined, max: number): Promise<EventPage>;
  /** Everything before a position (the end unless given), newest first, at most `max` events. */
  readAllBackward(before: Position | undefined, max: number): Promise<EventPage>;
  /** The streams whose names begin with `prefix`, with their versions. */
  streams(
    prefix: string,
  ): Promise<readonly { readonly stream: string; readonly version: number }[]>;
  /** The version of a stream; 0 where it does not exist. */
  version(stream: string): Promise<number>;
}

/** The stream is not at the version that the writer decided on: read again, decide again. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';
  readonly stream: string;
  readonly expected: ExpectedVersion;
  readonly actual: number;
  constructor(stream: string, expected: ExpectedVersion, actual: number) {
    super(`stream "${stream}" is at version ${actual}, not at ${expected}`);
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/** An event with that id is stored already: the append was made before, or an id was used twice. */
export class DuplicateEvent extends Error {
  override readonly name = 'DuplicateEvent';
  readonly id: string;
  constructor(id: string) {
    super(`event "${id}" is stored already`);
    this.id = id;
  }
}
