import type { Append, ExpectedVersion, NewEvent } from '@mcp-hangar/kernel/event-store';

const STREAM_CHARS_MAX = 512;
const NAME_CHARS_MAX = 256;
/** One append is one message to the worker, whose heap is bounded. */
const APPEND_CHARS_MAX = 16_777_216;
/** What an event holds besides its texts. */
const EVENT_CHARS = 64;

/** An event as it is stored, in the order of the columns. */
export type EncodedEvent = readonly [
  id: string,
  type: string,
  schemaVersion: number,
  occurredAtMs: number,
  producedBy: string,
  data: string,
];

export interface EncodedAppend {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  readonly events: readonly EncodedEvent[];
  readonly guard: Append['guard'];
  /** What it costs while it waits. */
  readonly chars: number;
}

/**
 * A column is UTF-8: half a surrogate pair would be stored as something else. U+0000 ends a text for some readers.
 * Payloads may have both, because JSON escapes them.
 */
function checkText(what: string, value: unknown, charsMax: number): string {
  const isStorable =
    typeof value === 'string' &&
    value !== '' &&
    value.length <= charsMax &&
    value.isWellFormed() &&
    !value.includes('\0');
  if (isStorable) return value;
  throw new TypeError(
    `${what} of an event must be a text of 1 to ${charsMax} characters without U+0000 and lone surrogates`,
  );
}

function checkInteger(what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new TypeError(`${what} of an event must be an integer, not ${String(value)}`);
}

function encodeEvent(event: NewEvent): EncodedEvent {
  const { data }: { readonly data: unknown } = event;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new TypeError('data of an event must be an object');
  }
  return [
    checkText('id', event.id, NAME_CHARS_MAX),
    checkText('type', event.type, NAME_CHARS_MAX),
    checkInteger('schemaVersion', event.schemaVersion),
    checkInteger('occurredAtMs', event.occurredAtMs),
    checkText('producedBy', event.producedBy, NAME_CHARS_MAX),
    encodeData(data),
  ];
}

function encodeData(data: object): string {
  try {
    return JSON.stringify(data);
  } catch (error) {
    // Cycles, nesting beyond the stack, integers of arbitrary size.
    throw new TypeError('data of an event must be JSON', { cause: error });
  }
}

function checkExpected(expected: ExpectedVersion): ExpectedVersion {
  if (expected === 'any' || expected === 'none') return expected;
  if (Number.isSafeInteger(expected) && expected >= 0) return expected;
  throw new TypeError(`expected version must be "any", "none" or a whole number, not ${expected}`);
}

function checkGuard(guard: Append['guard']): Append['guard'] {
  if (guard === undefined) return undefined;
  return {
    name: checkLeaseName(guard.name),
    generation: checkInteger('generation of the guard', guard.generation),
  };
}

/** @throws TypeError where the name is none that a lease can have, or a holder */
export const checkLeaseName = (name: string): string =>
  checkText('name of a lease', name, NAME_CHARS_MAX);

/** @throws TypeError where the name is none that a stream can have */
export const checkStream = (stream: string): string =>
  checkText('stream', stream, STREAM_CHARS_MAX);

function charsOf(events: readonly EncodedEvent[]): number {
  let chars = 0;
  for (const [id, type, , , producedBy, data] of events) {
    chars += EVENT_CHARS + id.length + type.length + producedBy.length + data.length;
  }
  return chars;
}

/**
 * The append as it is stored; what the caller does to its objects later changes nothing.
 * @throws TypeError where something in it cannot be stored as it is, or where it is over 16 Mi characters
 */
export function encodeAppend(append: Append): EncodedAppend {
  if (append.events.length === 0) throw new TypeError('an append has at least one event');
  const stream = checkStream(append.stream);
  const expected = checkExpected(append.expected);
  const guard = checkGuard(append.guard);
  const events = append.events.map(encodeEvent);
  const chars = charsOf(events);
  if (chars <= APPEND_CHARS_MAX) return { stream, expected, events, guard, chars };
  throw new TypeError(`an append has at most ${APPEND_CHARS_MAX} characters, not ${chars}`);
}

/** Whether a stream at version `actual` is what the writer expects; 0 where it does not exist. */
export function isExpected(expected: ExpectedVersion, actual: number): boolean {
  if (expected === 'any') return true;
  return actual === (expected === 'none' ? 0 : expected);
}
