import type { Snapshot } from '@mcp-hangar/kernel/snapshot';
import { checkStream } from './encoded-append.ts';
import { integerIn, parseData, textIn, type UntrustedRow } from './stored-row.ts';

/** A snapshot is what a few events come to: one that is larger is a mistake. */
const STATE_CHARS_MAX = 1_048_576;

/** In the order of the columns. */
export type EncodedSnapshot = readonly [
  stream: string,
  version: number,
  schemaVersion: number,
  state: string,
];

/** @throws TypeError where it cannot be stored */
export function encodeSnapshot(snapshot: Snapshot): EncodedSnapshot {
  const { version, schemaVersion } = snapshot;
  const stream = checkStream(snapshot.stream);
  const state = JSON.stringify(snapshot.state);
  if (!Number.isSafeInteger(version) || version < 1 || !Number.isSafeInteger(schemaVersion))
    throw new TypeError('a snapshot has a version of its stream and one of its form');
  if (state.length > STATE_CHARS_MAX)
    throw new TypeError(`a snapshot has at most ${STATE_CHARS_MAX} characters`);
  return [stream, version, schemaVersion, state];
}

/** @throws RowProblem */
export const snapshotOf = (row: UntrustedRow): Snapshot => ({
  stream: textIn(row, 'stream'),
  version: integerIn(row, 'version'),
  schemaVersion: integerIn(row, 'schema_version'),
  state: parseData(textIn(row, 'state')),
});
