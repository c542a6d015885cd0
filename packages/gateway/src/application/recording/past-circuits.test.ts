import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import { expect, test } from 'vitest';
import { CircuitBreaker } from '../../domain/breaker/circuit-breaker.ts';
import { circuitStream } from '../../domain/breaker/events.ts';
import { readCircuits } from './past-circuits.ts';

test('every breaker is restored by its own id, as its last change left it', async () => {
  const store = new MemoryEventStore();
  const breakerOf = (owner: string): CircuitBreaker =>
    new CircuitBreaker({
      policy: { failureThreshold: 1, resetTimeoutMs: 1_000, probeCount: 1, window: undefined },
      restored: undefined,
      onChange: ({ type, data }) => {
        const event = {
          id: `${owner}-${data.changed_at_ms}-${data.new_state}`,
          type,
          schemaVersion: 1,
          occurredAtMs: 1,
          producedBy: 'test',
          data: { mcp_server_id: owner, ...data },
        };
        void store.append({ stream: circuitStream(owner), expected: 'any', events: [event] });
      },
    });
  const open = breakerOf('mcp_server:open');
  open.failed('timeout', 100, 200);
  const closed = breakerOf('mcp_server:closed');
  closed.failed('timeout', 100, 200);
  closed.reset(300);
  const past = await readCircuits(store);
  expect(past.get('mcp_server:open')).toEqual(open.state);
  expect(past.get('mcp_server:closed')).toMatchObject({ phase: 'closed', trips: 1 });
  expect(past.size).toBe(2);
});
