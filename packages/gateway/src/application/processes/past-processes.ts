/** What the event log knows of processes from before this start. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { RecoveryEvent } from '../../domain/processes/recovery-events.ts';
import { recoveryOf, type Recovery } from '../../domain/processes/recovery.ts';
import type { PendingStep } from '../../domain/processes/pending-step.ts';
import { processStreams } from '../../domain/processes/streams.ts';
import { pendingRecovery, RECOVERY } from './recovery-process.ts';

/** Every time that is waited for stands in one event with all that belongs to it; the others are facts to remember. */
const TAIL_EVENTS = 64;

export interface PastProcesses {
  /** By server. */
  readonly recoveries: ReadonlyMap<string, Recovery>;
}

/**
 * @param adopts whether what this one has left is to be gone on with here, and by no other gateway; all unless given
 * @throws Fault EVENT_STORE_UNAVAILABLE
 */
export async function readProcesses(
  store: EventStore,
  adopts: (producedBy: string) => boolean = () => true,
): Promise<PastProcesses> {
  const recoveries = new Map<string, Recovery>();
  const prefix = processStreams(RECOVERY);
  for (const { stream, version } of await store.streams(prefix)) {
    const id = stream.slice(prefix.length);
    const tail = await store.read(stream, Math.max(1, version - TAIL_EVENTS + 1), TAIL_EVENTS);
    if (!adopts(tail.at(-1)?.producedBy ?? '')) continue;
    const { evolve, initial } = recoveryOf(id);
    let state = initial;
    for (const { type, data } of tail) {
      // An event of a later version of the gateway says nothing to this one.
      const known = RecoveryEvent.safeParse({ type, data });
      if (known.success) state = evolve(state, known.data);
    }
    recoveries.set(id, state);
  }
  return { recoveries };
}

/** What would be waited for by a gateway that goes on from there. */
export const pendingIn = ({ recoveries }: PastProcesses): readonly PendingStep[] =>
  [...recoveries]
    .flatMap(([id, state]) => pendingRecovery(id, state) ?? [])
    .toSorted((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0));
