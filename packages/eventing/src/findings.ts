/** What is wrong with an event log, and how it is said: the same of every adapter that has a place for it. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { Position } from '@mcp-hangar/kernel/event-store';
import { positionOf } from './position.ts';
import { eventOf, integerIn, RowProblem, textIn, type UntrustedRow } from './stored-row.ts';

export const FINDINGS_MAX = 100;

export type FindingKind =
  /** The file or the database cannot be read, has no log, or fails its own check. */
  | 'file'
  /** An event does not have the form of one. */
  | 'event'
  /** Versions of a stream are missing. */
  | 'version-gap'
  /** A version of a stream, or an id, is there twice. */
  | 'double'
  /** Positions do not grow with the versions, or are beyond what the log ever gave. */
  | 'position'
  /** Events are missing that were never pruned. */
  | 'position-gap';

export interface Finding {
  readonly kind: FindingKind;
  /** A sentence without full stop. */
  readonly message: string;
  readonly position?: Position;
  readonly stream?: string;
  readonly version?: number;
}

export interface VerifyReport {
  /** False where there is no log: nothing was ever appended. */
  readonly exists: boolean;
  readonly eventsCount: number;
  readonly streamsCount: number;
  /** Streams whose oldest events retention has deleted. */
  readonly prunedStreamsCount: number;
  readonly lastPosition: Position | undefined;
  readonly findings: readonly Finding[];
  /** There were more findings than are listed. */
  readonly isCut: boolean;
}

export class Findings {
  readonly list: Finding[] = [];
  isCut = false;

  add(kind: FindingKind, message: string, at: Omit<Finding, 'kind' | 'message'> = {}): void {
    if (this.list.length < FINDINGS_MAX) this.list.push({ kind, message, ...at });
    else this.isCut = true;
  }
}

/** While a log is being looked through. */
export interface Counts {
  eventsCount: number;
  streamsCount: number;
  prunedStreamsCount: number;
  lastPosition: number;
}

export interface Place {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
}

/** Where an event says that it is; undefined, and a finding, where it does not. */
export function placeOf(row: UntrustedRow, findings: Findings): Place | undefined {
  try {
    const position = integerIn(row, 'position');
    return { position, stream: textIn(row, 'stream'), version: integerIn(row, 'version') };
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error;
    findings.add('event', `An event ${error.message}`);
    return undefined;
  }
}

const at = ({ position, stream, version }: Place): Omit<Finding, 'kind' | 'message'> =>
  position > 0 ? { position: positionOf(position), stream, version } : { stream, version };

/** Whether an event can be read. */
export function verifyEvent(row: UntrustedRow, place: Place, findings: Findings): void {
  try {
    eventOf(row);
  } catch (error) {
    const message = error instanceof RowProblem ? error.message : messageOf(error);
    findings.add('event', `The event ${message}`, at(place));
  }
}

/** Between two neighbours of one stream. */
export function verifyStep(last: Place, place: Place, findings: Findings): void {
  if (place.version === last.version) {
    findings.add('double', `Version ${place.version} is there twice`, at(place));
  } else if (place.version !== last.version + 1) {
    const message = `Version ${last.version} is followed by version ${place.version}`;
    findings.add('version-gap', message, at(place));
  }
  if (place.position > last.position) return;
  findings.add('position', `Position is not after that of version ${last.version}`, at(place));
}

/** Where nobody let the events of some positions go. */
export function missing(findings: Findings, from: number, to: number): void {
  const message = `Positions ${from} to ${to} are missing and were never pruned`;
  findings.add('position-gap', message, { position: positionOf(from) });
}

/** What is told in the end. */
export function reportOf(
  exists: boolean,
  { lastPosition, ...counts }: Counts,
  { list, isCut }: Findings,
): VerifyReport {
  const last = lastPosition === 0 ? undefined : positionOf(lastPosition);
  return { exists, ...counts, lastPosition: last, findings: list, isCut };
}
