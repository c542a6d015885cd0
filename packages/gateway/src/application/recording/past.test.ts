import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import type { NewEvent } from '@mcp-hangar/kernel/event-store';
import { expect, test } from 'vitest';
import { mcpServerStream, type McpServerEvent } from '../../domain/mcp-server/events.ts';
import { lifecycleOf, type LifecycleCommand } from '../../domain/mcp-server/lifecycle.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import type { DomainEvent } from '../ports.ts';
import { readPast } from './past.ts';

let ids = 0;
const stored = (event: DomainEvent): NewEvent => ({
  id: `id-${(ids += 1)}`,
  schemaVersion: 1,
  occurredAtMs: 1,
  producedBy: 'test',
  ...event,
});

/** The events of a server to which this happened. */
function history(id: string, ...commands: readonly LifecycleCommand[]): readonly McpServerEvent[] {
  const { decide, evolve, initial } = lifecycleOf(id, 3);
  let state: Lifecycle = initial;
  return commands.flatMap((command) => {
    const decided = decide(command, state);
    if (!decided.ok) throw new Error(command.type);
    state = decided.value.reduce(evolve, state);
    return decided.value;
  });
}

const start: LifecycleCommand = { type: 'start', nowMs: 1_000_000 };
const started: LifecycleCommand = {
  type: 'started',
  mode: 'subprocess',
  era: 'legacy',
  durationMs: 1,
  toolsCount: undefined,
};
const failed: LifecycleCommand = {
  type: 'start-failed',
  reason: 'it broke',
  nowMs: 50,
  random: 0.5,
  isCounted: true,
  childrenLeft: 0,
  startsLeft: 0,
};

test('what the log believes alive is closed, and what is wrong stays wrong', async () => {
  const store = new MemoryEventStore();
  const histories = {
    alive: history('alive', start, started),
    starting: history('starting', start),
    dead: history('dead', start, failed),
    degraded: history('degraded', start, failed, start, failed, start, failed),
    cold: history('cold', start, started, { type: 'stopped', reason: 'idle' }),
  };
  for (const [id, events] of Object.entries(histories)) {
    const stream = mcpServerStream(id);
    await store.append({ stream, expected: 'none', events: events.map(stored) });
  }
  const told: string[] = [];
  const past = await readPast(store, {
    record: (stream, { type, data }) =>
      void told.push(`${stream} ${type} ${JSON.stringify(data['reason'])}`),
  });
  const phases = [...past].map(([id, { phase }]) => [id, phase]);
  expect(Object.fromEntries(phases)).toEqual({
    alive: 'cold',
    starting: 'cold',
    dead: 'dead',
    degraded: 'degraded',
    cold: 'cold',
  });
  expect(past.get('degraded')).toMatchObject({
    failures: 3,
    retryAtMs: 8_050,
    lastFailure: 'it broke',
  });
  expect(told).toEqual(
    ['alive', 'starting'].flatMap((id) => [
      `mcp_server:${id} McpServerStopped "gateway_restarted"`,
      `mcp_server:${id} McpServerStateChanged "gateway_restarted"`,
    ]),
  );
});

test('a long history is read from its end, and unknown events say nothing', async () => {
  const store = new MemoryEventStore();
  const stream = mcpServerStream('busy');
  const cycle = history('busy', start, started, { type: 'stopped', reason: 'idle' });
  for (let at = 0; at < 100; at += 1)
    await store.append({ stream, expected: 'any', events: cycle.map(stored) });
  const unknown = stored({ type: 'McpServerPainted', data: { colour: 'red' } });
  await store.append({ stream, expected: 'any', events: [unknown] });
  const past = await readPast(store, { record: () => undefined });
  expect(past.get('busy')?.phase).toBe('cold');
});
