import type { Position } from '@mcp-hangar/kernel/event-store';

/** As many as the largest integer that a number holds exactly; all of one width, so that text sorts as numbers do. */
const DIGITS = 16;
const POSITION = /^\d{16}$/;

const isPosition = (text: string): text is Position =>
  POSITION.test(text) && Number.isSafeInteger(Number(text));

/** The position of the nth event of a log. */
export function positionOf(count: number): Position {
  const text = String(count).padStart(DIGITS, '0');
  if (!isPosition(text)) throw new RangeError(`${count} is no position of an event log`);
  return text;
}

/** Reads a position that comes from outside; undefined where it is none. */
export function parsePosition(text: string): Position | undefined {
  return isPosition(text) ? text : undefined;
}

/** @throws TypeError where the position is none of these logs */
export function countOf(position: Position): number {
  if (!isPosition(position))
    throw new TypeError(`"${String(position)}" is no position of this log`);
  return Number(position);
}
