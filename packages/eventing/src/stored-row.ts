import type { JsonValue, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { positionOf } from './position.ts';

/** A row of the log as a driver gives it: nothing is known of its values. */
export type UntrustedRow = Readonly<Record<string, unknown>>;

type JsonObject = { readonly [key: string]: JsonValue };

// `value` comes from JSON.parse, so what is in an object of it is JSON too.
const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with a row, as a sentence without subject. */
export class RowProblem extends Error {
  override readonly name = 'RowProblem';
}

export function textIn(row: UntrustedRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new RowProblem(`has no text in "${column}"`);
}

export function integerIn(row: UntrustedRow, column: string): number {
  const value = row[column];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new RowProblem(`has no integer in "${column}"`);
}

/** @throws RowProblem */
export function parseData(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RowProblem('has data that is not JSON', { cause: error });
  }
  if (isJsonObject(value)) return value;
  throw new RowProblem('has data that is not an object');
}

/**
 * The event that a row holds.
 * @throws RowProblem which names its position
 */
export function readRow(row: UntrustedRow): StoredEvent {
  try {
    return eventOf(row);
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error;
    throw new RowProblem(`event at position ${String(row['position'])} ${error.message}`);
  }
}

/**
 * The event that a row holds.
 * @throws RowProblem
 */
export function eventOf(row: UntrustedRow): StoredEvent {
  return {
    position: positionOf(integerIn(row, 'position')),
    stream: textIn(row, 'stream'),
    version: integerIn(row, 'version'),
    id: textIn(row, 'id'),
    type: textIn(row, 'type'),
    schemaVersion: integerIn(row, 'schema_version'),
    occurredAtMs: integerIn(row, 'occurred_at_ms'),
    producedBy: textIn(row, 'produced_by'),
    data: parseData(textIn(row, 'data')),
  };
}
