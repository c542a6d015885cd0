import { z } from 'zod';
import type { FailoverPair } from '../../domain/processes/failover.ts';
import { once } from '@mcp-hangar/kernel/once';

const serverId = once(() => z.string().min(1).max(64));

/** Of one server; what the ids have to be is in `failover-relations.ts`. */
export const failoverKeys = once(() => ({
  backup: serverId()
    .optional()
    .describe(
      'Server that gets the calls while this one is degraded; short for `failover.backup`.',
    ),
  failover: z
    .strictObject({
      backup: serverId()
        .optional()
        .describe(
          'Of a server: the one that gets the calls while this one is degraded. It has to offer the same tools.',
        ),
      auto_failback: z
        .boolean()
        .default(true)
        .describe('Calls go back to this server by themselves once it runs again.'),
      failback_delay_s: z
        .number()
        .min(0)
        .max(86_400)
        .default(30)
        .describe('How long it has to run before they do. Seconds.'),
      max_members: z
        .int()
        .min(1)
        .max(100)
        .optional()
        .describe(
          'Of a group: members that one call may be given to, one after the other, where nothing was sent or the call may run twice; 2 unless set.',
        ),
    })
    .optional()
    .describe('What stands in for a server, none unless set, or for a member of a group.'),
}));

interface Entry {
  readonly backup?: string | undefined;
  readonly failover?:
    | {
        readonly backup?: string | undefined;
        readonly auto_failback: boolean;
        readonly failback_delay_s: number;
      }
    | undefined;
}

const DELAY_S = 30;

export function failoverPair({ backup, failover }: Entry): FailoverPair | undefined {
  if (failover?.backup !== undefined)
    return {
      backup: failover.backup,
      autoFailback: failover.auto_failback,
      failbackDelayMs: Math.round(failover.failback_delay_s * 1000),
    };
  return backup === undefined
    ? undefined
    : { backup, autoFailback: true, failbackDelayMs: DELAY_S * 1000 };
}
