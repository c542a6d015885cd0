/** Events of a log in order, of which a filter lets some through; also those that other processes append. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventStore, Position, StoredEvent } from '@mcp-hangar/kernel/event-store';

const PAGE_EVENTS = 500;
const POLL_MS = 200;
const POLL_MS_MIN = 10;
const POLL_MS_MAX = 60_000;
/** Most events that `newest` may ask for: they are held until the oldest of them is found. */
export const NEWEST_MAX = 100_000;

/** What is not given lets everything through. */
export interface EventFilter {
  readonly types?: readonly string[];
  readonly streamPrefix?: string;
  /** Epoch milliseconds, by the clocks of the producers. */
  readonly sinceMs?: number;
  readonly matches?: (event: StoredEvent) => boolean;
}

export interface EventSelection extends EventFilter {
  /** Only what comes behind this position. */
  readonly after?: Position | undefined;
  /** Only the newest ones that match, as many as this; 0 = none of those that are stored. */
  readonly newest?: number;
}

export interface FollowOptions {
  /** Ends the sequence, at once and quietly. */
  readonly signal: AbortSignal;
  /** How often to look when there is nothing new (200 unless given). */
  readonly pollMs?: number;
}

type Log = Pick<EventStore, 'readAll' | 'readAllBackward'>;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function isWanted(
  { types, streamPrefix, sinceMs, matches }: EventFilter,
  event: StoredEvent,
): boolean {
  if (types !== undefined && !types.includes(event.type)) return false;
  if (streamPrefix !== undefined && !event.stream.startsWith(streamPrefix)) return false;
  if (sinceMs !== undefined && event.occurredAtMs < sinceMs) return false;
  return matches?.(event) ?? true;
}

/** The newest events that match, oldest first, and the position of the newest of all. */
async function findNewest(
  log: Log,
  selection: EventSelection,
  newest: number,
): Promise<{ readonly events: readonly StoredEvent[]; readonly head: Position | undefined }> {
  if (!(Number.isSafeInteger(newest) && newest >= 0 && newest <= NEWEST_MAX)) {
    throw new RangeError(`the newest events are 0 to ${NEWEST_MAX}, not ${newest}`);
  }
  const { after } = selection;
  const found: StoredEvent[] = [];
  let head: Position | undefined;
  let before: Position | undefined;
  for (;;) {
    const page = await log.readAllBackward(before, newest === 0 ? 1 : PAGE_EVENTS);
    head ??= page.events[0]?.position;
    for (const event of page.events) {
      const isOver = found.length === newest || (after !== undefined && event.position <= after);
      if (isOver) return { events: found.reverse(), head };
      if (isWanted(selection, event)) found.push(event);
    }
    if (page.isHead) return { events: found.reverse(), head };
    before = page.next;
    await nextTurn();
  }
}

/** Later of two positions. */
function laterOf(one: Position | undefined, other: Position | undefined): Position | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}

/** Answers the position to go on from. */
async function* readStored(
  log: Log,
  selection: EventSelection,
): AsyncGenerator<StoredEvent, Position | undefined> {
  if (selection.newest !== undefined) {
    const { events, head } = await findNewest(log, selection, selection.newest);
    yield* events;
    return laterOf(head, selection.after);
  }
  let after = selection.after;
  for (;;) {
    const page = await log.readAll(after, PAGE_EVENTS);
    for (const event of page.events) if (isWanted(selection, event)) yield event;
    after = page.next;
    if (page.isHead) return after;
    await nextTurn();
  }
}

/**
 * The events that are stored, in order, page by page.
 * @throws what the log throws; RangeError
 */
export async function* readEvents(
  log: Log,
  selection: EventSelection = {},
): AsyncGenerator<StoredEvent, void> {
  yield* readStored(log, selection);
}

/**
 * The events that are stored, then those that come, until the signal; none twice, none left out.
 * @throws what the log throws; RangeError
 */
export async function* followEvents(
  log: Log,
  selection: EventSelection,
  { signal, pollMs = POLL_MS }: FollowOptions,
): AsyncGenerator<StoredEvent, void> {
  const pauseMs = Math.min(Math.max(pollMs, POLL_MS_MIN), POLL_MS_MAX);
  let current: EventSelection = selection;
  while (!signal.aborted) {
    const events = readStored(log, current);
    let step = await events.next();
    for (; step.done !== true; step = await events.next()) {
      yield step.value;
      if (signal.aborted) return;
    }
    const { newest: _newest, ...filter } = selection;
    current = { ...filter, after: step.value };
    await delay(pauseMs, undefined, { signal }).catch(() => undefined); // the signal ends the loop
  }
}
