/** A group of appends as the values of one call of `append_events`, and its answer. */
import type { EncodedAppend, EncodedEvent } from './encoded-append.ts';
import { RowProblem, type UntrustedRow } from './stored-row.ts';
import type { AppendOutcome } from './writer-messages.ts';

const ANY = -1;
const [STORED, CONFLICT, DUPLICATE, FENCED] = [0, 1, 2, 3];

/** The first id that an append has twice. */
export function ownDuplicate({ events }: EncodedAppend): string | undefined {
  const ids = new Set<string>();
  for (const [id] of events) {
    if (ids.has(id)) return id;
    ids.add(id);
  }
  return undefined;
}

/** In their order, cut where an id comes again or the guard is another: one part has each id once, and one guard. */
export function partsOf(appends: readonly EncodedAppend[]): readonly (readonly EncodedAppend[])[] {
  const parts: EncodedAppend[][] = [];
  let part: EncodedAppend[] = [];
  const ids = new Set<string>();
  for (const append of appends) {
    const isGuardedElse = part[0] !== undefined && !hasSameGuard(part[0], append);
    if (isGuardedElse || append.events.some(([id]) => ids.has(id))) {
      parts.push(part);
      part = [];
      ids.clear();
    }
    for (const [id] of append.events) ids.add(id);
    part.push(append);
  }
  return part.length > 0 ? [...parts, part] : parts;
}

const hasSameGuard = ({ guard: one }: EncodedAppend, { guard: other }: EncodedAppend): boolean =>
  one?.name === other?.name && one?.generation === other?.generation;

function expectedOf({ expected }: EncodedAppend): number {
  if (expected === 'any') return ANY;
  return expected === 'none' ? 0 : expected;
}

/** In the order of the parameters of `append_events`, which follow those of the guard. */
export function groupValues(appends: readonly EncodedAppend[]): readonly unknown[] {
  const numbers = new Map<string, number>();
  for (const { stream } of appends) {
    if (!numbers.has(stream)) numbers.set(stream, numbers.size + 1);
  }
  const events = appends.flatMap((append) => append.events);
  const column = <N extends keyof EncodedEvent & number>(n: N): readonly unknown[] =>
    events.map((event) => event[n]);
  return [
    [...numbers.keys()],
    appends.map(({ stream }) => numbers.get(stream)),
    appends.map(expectedOf),
    appends.map((append) => append.events.length),
    appends.flatMap((append, index) => append.events.map(() => index + 1)),
    appends.flatMap(({ stream, events: own }) => own.map(() => stream)),
    column(0),
    column(1),
    column(2),
    column(3),
    column(4),
    column(5),
  ];
}

function listIn(row: UntrustedRow, column: string, length: number): readonly number[] {
  const value = row[column];
  // An array of 64-bit integers comes as texts.
  const list = Array.isArray(value) ? value.map(Number) : [];
  if (list.length === length && list.every(Number.isSafeInteger)) return list;
  throw new RowProblem(`has no list of ${length} integers in "${column}"`);
}

/**
 * What came of each append.
 * @throws RowProblem
 */
export function outcomesIn(
  row: UntrustedRow,
  appends: readonly EncodedAppend[],
): readonly AppendOutcome[] {
  const kinds = listIn(row, 'kinds', appends.length);
  const numbers = listIn(row, 'numbers', appends.length);
  const positions = listIn(row, 'positions', appends.length);
  const ids = appends.flatMap(({ events }) => events.map(([id]) => id));
  return kinds.map((code, index): AppendOutcome => {
    const number = numbers[index] ?? 0;
    switch (code) {
      case STORED:
        return { kind: 'stored', version: number, position: positions[index] ?? 0 };
      case CONFLICT:
        return { kind: 'conflict', actual: number };
      case DUPLICATE:
        return { kind: 'duplicate', id: ids[number - 1] ?? '' };
      case FENCED:
        return { kind: 'fenced', actual: number };
      default:
        throw new RowProblem(`has outcome ${code}`);
    }
  });
}
