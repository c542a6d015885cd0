import { messageOf } from '@mcp-hangar/kernel/error-text';

/** Primary result codes of SQLite after which the connection is as good as before: busy, full. */
const PASSING: readonly number[] = [5, 13];
const PRIMARY_CODE_BITS = 0xff;
const CONSTRAINT_UNIQUE = 2067;
const READONLY_ROLLBACK = 776;

interface SqliteError extends Error {
  readonly errcode: number;
  readonly errstr: string;
}

const isSqliteError = (error: unknown): error is SqliteError =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  'errstr' in error &&
  typeof error.errstr === 'string';

/** What a driver or the file system said, in its words. */
export function problemOf(error: unknown): string {
  // SQLite's message is that of the connection, which may be older than the failure; `errstr` belongs to the code.
  if (isSqliteError(error)) return `${error.errstr} (SQLite ${error.errcode})`;
  return messageOf(error);
}

/** Whether the same connection can be used again. */
export const isPassing = (error: unknown): boolean =>
  isSqliteError(error) && PASSING.includes(error.errcode & PRIMARY_CODE_BITS);

export const isBusy = (error: unknown): boolean =>
  isSqliteError(error) && (error.errcode & PRIMARY_CODE_BITS) === PASSING[0];

/** Whether a writer was killed amid a transaction, which a connection that only reads cannot undo. */
export const isUnfinished = (error: unknown): boolean =>
  isSqliteError(error) && error.errcode === READONLY_ROLLBACK;

export const isUniqueViolation = (error: unknown): boolean =>
  isSqliteError(error) && error.errcode === CONSTRAINT_UNIQUE;
