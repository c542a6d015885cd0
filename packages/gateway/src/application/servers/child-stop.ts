import type { StopReason } from '../../domain/mcp-server/lifecycle.ts';

/** Why one child is ended, and what that is for the server where it was the last one. */
export const STOP_REASON = {
  idle: 'idle',
  shutdown: 'shutdown',
  user_request: 'user_request',
  error: 'error',
  failback: 'failback',
  /** The room is wanted for another. */
  lease: 'released',
  'session ended': 'released',
  'client gone': 'released',
  probe: 'released',
  'another child serves': 'released',
} as const satisfies Record<string, StopReason>;
export type ChildStop = keyof typeof STOP_REASON;
