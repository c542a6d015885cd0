/** What the event log knows of processes from before this start. */
import type { Decider } from '@mcp-hangar/kernel/decider';
import type { EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { z } from 'zod';
import { FailoverEvent } from '../../domain/processes/failover-events.ts';
import { failoverOf, type Failover } from '../../domain/processes/failover.ts';
import { RecoveryEvent } from '../../domain/processes/recovery-events.ts';
import { recoveryOf, type Recovery } from '../../domain/processes/recovery.ts';
import type { GroupHistory } from '../../domain/group/history.ts';
import { rebalancesIn } from '../groups/pending-rebalance.ts';
import { byDue, type PendingStep } from '../../domain/processes/pending-step.ts';
import { processStreams } from '../../domain/processes/streams.ts';
import type { Fence } from '../ports.ts';
import { eachStream, evolved, tailOf } from '../recording/tails.ts';
import { FAILOVER, pendingFailover } from './failover-process.ts';
import { pendingRecovery, RECOVERY } from './recovery-process.ts';

/** Every time that is waited for stands in one event with all that belongs to it; the others are facts to remember. */
const TAIL_EVENTS = 64;

/** Where one instance was, and in whose name what comes next is recorded; undefined where nobody else could. */
export interface Left<State> {
  readonly state: State;
  readonly fence: Fence | undefined;
}

/** By server. */
export interface PastProcesses {
  readonly recoveries: ReadonlyMap<string, Left<Recovery>>;
  readonly failovers: ReadonlyMap<string, Left<Failover>>;
}

/**
 * Makes what a gateway has left this one's to go on with; undefined where it is another's. Asking again answers the
 * same.
 */
export type Claim = (producedBy: string) => Promise<Pick<Left<unknown>, 'fence'> | undefined>;

const NOBODY_ELSE: Claim = async () => ({ fence: undefined });

/**
 * What may be gone on with: for each instance the last event says who has left it.
 * @param claim all of it, and nobody else could, unless given
 * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
 */
export async function readProcesses(
  store: EventStore,
  claim: Claim = NOBODY_ELSE,
): Promise<PastProcesses> {
  const from = { store, claim };
  return {
    recoveries: await statesOf(from, RECOVERY, RecoveryEvent, recoveryOf),
    failovers: await statesOf(from, FAILOVER, FailoverEvent, (id) => failoverOf(id, undefined)),
  };
}

interface Source {
  readonly store: EventStore;
  readonly claim: Claim;
}

async function statesOf<State, Command, Event>(
  source: Source,
  process: string,
  schema: z.ZodType<Event>,
  deciderOf: (id: string) => Decider<Command, State, Event, never>,
): Promise<ReadonlyMap<string, Left<State>>> {
  const states = new Map<string, Left<State>>();
  await eachStream(source.store, processStreams(process), async (stream, id) => {
    const claimed = await claimedTail(source, stream);
    if (claimed === undefined) return;
    states.set(id, { state: evolved(claimed.tail, schema, deciderOf(id)), fence: claimed.fence });
  });
  return states;
}

/** How often who has written last may change while it is claimed. */
const CLAIMS_MAX = 4;

/** The end of a stream as it was when it was claimed or later: who had it before could have written until then. */
async function claimedTail(
  { store, claim }: Source,
  stream: string,
): Promise<
  { readonly tail: readonly StoredEvent[]; readonly fence: Fence | undefined } | undefined
> {
  let tail = await readTail(store, stream);
  for (let tries = 0; tries < CLAIMS_MAX; tries += 1) {
    const producedBy = tail.at(-1)?.producedBy ?? '';
    const claimed = await claim(producedBy);
    if (claimed === undefined) return undefined;
    if (claimed.fence === undefined) return { tail, fence: undefined };
    tail = await readTail(store, stream);
    if (tail.at(-1)?.producedBy === producedBy) return { tail, fence: claimed.fence };
  }
  return undefined;
}

async function readTail(store: EventStore, stream: string): Promise<readonly StoredEvent[]> {
  return tailOf(store, stream, { version: await store.version(stream), count: TAIL_EVENTS });
}

/** What would be waited for by a gateway that goes on from there. */
export const pendingIn = (
  { recoveries, failovers }: PastProcesses,
  groups: ReadonlyMap<string, GroupHistory>,
): readonly PendingStep[] =>
  [
    ...rebalancesIn(groups),
    ...[...recoveries].flatMap(([id, { state }]) => pendingRecovery(id, state) ?? []),
    ...[...failovers].flatMap(([id, { state }]) => pendingFailover(id, state) ?? []),
  ].toSorted(byDue);
