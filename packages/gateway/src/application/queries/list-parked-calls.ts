import { z } from 'zod';
import type { ParkedCall } from '../ports.ts';
import { defineQuery } from '../use-case.ts';

export interface ParkedCalls {
  readonly nowMs: number;
  /** Also of those that are not listed. */
  readonly total: number;
  /** The oldest first. */
  readonly calls: readonly ParkedCall[];
}

export const listParkedCalls = defineQuery({
  name: 'list_parked_calls',
  input: () => z.strictObject({ limit: z.number().int().min(1).max(1_000).default(1_000) }),
  permission: 'audit:read',
  summary: 'List the calls that wait for answers of their clients.',
  run({ clock, parkedCalls }, { limit }): ParkedCalls {
    const all = parkedCalls.list();
    return { nowMs: clock.nowMs(), total: all.length, calls: all.slice(0, limit) };
  },
});
