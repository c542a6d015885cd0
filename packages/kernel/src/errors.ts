/** Faults, by the codes of the catalogue. */
import { ERRORS } from './error-catalogue.ts';
import type { ErrorEntry } from './error-entry.ts';

export type ErrorCode = keyof typeof ERRORS;

/** Whether a text, of another process, is a code of the catalogue. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/** The exit code of a command that ends with an error of this code. */
export function exitCodeOf(code: ErrorCode): 1 | 2 | 3 {
  const entry: ErrorEntry = ERRORS[code];
  return entry.exitCode ?? (entry.http < 500 ? 1 : 2);
}

/** A fault of the world outside: thrown by adapters, caught once, at the edge. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  /** Given to the caller beside the message; never a secret. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
  constructor(
    code: ErrorCode,
    detail: string,
    options?: ErrorOptions & { readonly data?: Readonly<Record<string, unknown>> },
  ) {
    super(detail, options);
    this.code = code;
    this.data = options?.data;
  }
}
