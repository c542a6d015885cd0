import { randomUUID } from 'node:crypto';
import type {
  EventStore,
  JsonValue,
  NewEvent,
  Position,
  StoredEvent,
} from '@mcp-hangar/kernel/event-store';

/** An event that only differs from others in what is given. */
export const event = (changes: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  schemaVersion: 1,
  occurredAtMs: 1_700_000_000_000,
  producedBy: 'host-1',
  data: {},
  ...changes,
});

export const numbered = (n: JsonValue): NewEvent => event({ data: { n } });

export const numberedUpTo = (count: number): readonly NewEvent[] =>
  Array.from({ length: count }, (_, index) => numbered(index + 1));

export type OpenStore = () => Promise<EventStore>;

/** Everything, in pages of `max`. */
export async function readWhole(store: EventStore, max = 1_000): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  let after: Position | undefined;
  for (;;) {
    const page = await store.readAll(after, max);
    events.push(...page.events);
    if (page.isHead) return events;
    after = page.next;
  }
}
