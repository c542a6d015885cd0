/** Parked calls as an operator's command gets them. Neither arguments nor anything that opens a call is in it. */
import { z } from 'zod';
import type { ParkedCall } from '../ports.ts';
import type { ParkedCalls } from '../queries/list-parked-calls.ts';

/** Characters of a name that a client or a server gave. */
const NAME_CHARS_MAX = 256;
const ASKS_MAX = 16;

/** What `mcp-hangar calls parked --json` prints: members are added, never renamed or removed. */
export const ParkedCallsReport = z.object({
  as_of: z.iso.datetime(),
  total: z.number(),
  calls: z.array(
    z.object({
      id: z.string(),
      waits_for: z.string(),
      asks: z.array(z.string()),
      mcp_server: z.string().nullable(),
      method: z.string(),
      name: z.string().nullable(),
      principal: z.string(),
      round: z.number(),
      parked_at: z.iso.datetime(),
      expires_at: z.iso.datetime(),
    }),
  ),
});
export type ParkedCallsReport = z.infer<typeof ParkedCallsReport>;
export type ParkedCallRow = ParkedCallsReport['calls'][number];

export const parkedCallsReport = ({ nowMs, total, calls }: ParkedCalls): ParkedCallsReport => ({
  as_of: iso(nowMs),
  total,
  calls: calls.map(rowOf),
});

const rowOf = (call: ParkedCall): ParkedCallRow => ({
  id: call.id,
  waits_for: call.reason,
  asks: call.asks.slice(0, ASKS_MAX).map(cut),
  mcp_server: call.mcpServerId ?? null,
  method: cut(call.method),
  name: call.name === undefined ? null : cut(call.name),
  principal: cut(call.principal),
  round: call.round,
  parked_at: iso(call.parkedAtMs),
  expires_at: iso(call.expiresAtMs),
});

const cut = (name: string): string =>
  name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, NAME_CHARS_MAX - 1)}…`;

const iso = (ms: number): string => new Date(ms).toISOString();
