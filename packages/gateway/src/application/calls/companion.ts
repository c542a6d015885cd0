/** What may run beside a call. */
import type { Child } from '../servers/child.ts';

/** A request at a child, by its id on that connection. */
export interface Sent {
  readonly child: Child;
  readonly id: number;
}

/** A second try that runs beside the call. */
export interface Companion {
  /** A server works on it. */
  readonly isUnderWay: boolean;
  /** The call is over. */
  close(): void;
}
