/** What the event log knows of processes from before this start. */
import type { Decider } from '@mcp-hangar/kernel/decider';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import type { z } from 'zod';
import { FailoverEvent } from '../../domain/processes/failover-events.ts';
import { failoverOf, type Failover } from '../../domain/processes/failover.ts';
import { RecoveryEvent } from '../../domain/processes/recovery-events.ts';
import { recoveryOf, type Recovery } from '../../domain/processes/recovery.ts';
import type { GroupHistory } from '../../domain/group/history.ts';
import { rebalancesIn } from '../groups/pending-rebalance.ts';
import { byDue, type PendingStep } from '../../domain/processes/pending-step.ts';
import { processStreams } from '../../domain/processes/streams.ts';
import { FAILOVER, pendingFailover } from './failover-process.ts';
import { pendingRecovery, RECOVERY } from './recovery-process.ts';

/** Every time that is waited for stands in one event with all that belongs to it; the others are facts to remember. */
const TAIL_EVENTS = 64;

/** By server. */
export interface PastProcesses {
  readonly recoveries: ReadonlyMap<string, Recovery>;
  readonly failovers: ReadonlyMap<string, Failover>;
}

/**
 * @param adopts whether what this one has left is to be gone on with here, and by no other gateway; all unless given
 * @throws Fault EVENT_STORE_UNAVAILABLE
 */
export async function readProcesses(
  store: EventStore,
  adopts: (producedBy: string) => boolean = () => true,
): Promise<PastProcesses> {
  const from = { store, adopts };
  return {
    recoveries: await statesOf(from, RECOVERY, RecoveryEvent, recoveryOf),
    failovers: await statesOf(from, FAILOVER, FailoverEvent, (id) => failoverOf(id, undefined)),
  };
}

interface Source {
  readonly store: EventStore;
  readonly adopts: (producedBy: string) => boolean;
}

async function statesOf<State, Command, Event>(
  { store, adopts }: Source,
  process: string,
  schema: z.ZodType<Event>,
  deciderOf: (id: string) => Decider<Command, State, Event, never>,
): Promise<ReadonlyMap<string, State>> {
  const states = new Map<string, State>();
  const prefix = processStreams(process);
  for (const { stream, version } of await store.streams(prefix)) {
    const id = stream.slice(prefix.length);
    const tail = await store.read(stream, Math.max(1, version - TAIL_EVENTS + 1), TAIL_EVENTS);
    if (!adopts(tail.at(-1)?.producedBy ?? '')) continue;
    const { evolve, initial } = deciderOf(id);
    let state = initial;
    for (const { type, data } of tail) {
      // An event of a later version of the gateway says nothing to this one.
      const known = schema.safeParse({ type, data });
      if (known.success) state = evolve(state, known.data);
    }
    states.set(id, state);
  }
  return states;
}

/** What would be waited for by a gateway that goes on from there. */
export const pendingIn = (
  { recoveries, failovers }: PastProcesses,
  groups: ReadonlyMap<string, GroupHistory>,
): readonly PendingStep[] =>
  [
    ...rebalancesIn(groups),
    ...[...recoveries].flatMap(([id, state]) => pendingRecovery(id, state) ?? []),
    ...[...failovers].flatMap(([id, state]) => pendingFailover(id, state) ?? []),
  ].toSorted(byDue);
