import { DatabaseError } from 'pg';
import { messageOf } from '@mcp-hangar/kernel/error-text';

/** What came of a statement that failed. */
export type Failure =
  /** The server had no room or no turn for it: nothing was done. */
  | 'busy'
  /** Nothing was done. */
  | 'refused'
  /** The schema of the log, or something in it, does not exist: nothing was done. */
  | 'absent'
  /** It was under way when the connection ended: it may or may not have been done. */
  | 'unknown';

/** It took longer than it may. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/** What is wrong with a database that can be reached. */
export class ForeignDatabase extends Error {
  override readonly name = 'ForeignDatabase';
}

/** pg-pool's words where no connection became free. */
const NO_CONNECTION_FREE = 'timeout exceeded when trying to connect';

/** No turn at the lock, statement timeout, deadlock, serialisation, and too many connections. */
const BUSY: ReadonlySet<string> = new Set(['55P03', '57014', '40P01', '40001', '53300']);

/** No such table, function or schema. */
const ABSENT: ReadonlySet<string> = new Set(['42P01', '42883', '3F000']);

/**
 * Classes of codes after which the session may be over: operator intervention, broken connection, system error,
 * configuration, internal error, resources. Where one of them comes with ERROR the session goes on, and the
 * statement was undone.
 */
const MAY_END_SESSION = /^(57P|08|58|F0|XX|53)/;

/** `wasSent`: the statement was on its way to the server. */
export function failureOf(error: unknown, wasSent: boolean): Failure {
  if (error instanceof DatabaseError) return failureByCode(error, wasSent);
  if (error instanceof Error && error.message === NO_CONNECTION_FREE) return 'busy';
  if (error instanceof ForeignDatabase) return 'refused';
  return wasSent ? 'unknown' : 'refused';
}

function failureByCode({ code = '', severity }: DatabaseError, wasSent: boolean): Failure {
  // The severity is in the language of the server: what cannot be read ended the session.
  const hasSession = severity === 'ERROR' || !MAY_END_SESSION.test(code);
  if (wasSent && !hasSession) return 'unknown';
  if (BUSY.has(code)) return 'busy';
  return ABSENT.has(code) ? 'absent' : 'refused';
}

/** What the server, the driver or the network said, without what it may say of data. */
export function problemOf(error: unknown): string {
  if (error instanceof DatabaseError) {
    return `${error.message} (PostgreSQL ${error.code ?? 'without code'})`;
  }
  // Where every address of a name was tried, the message is empty.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join(', ');
  }
  return messageOf(error);
}
