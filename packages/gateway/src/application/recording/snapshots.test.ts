import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import type { JsonValue, NewEvent } from '@mcp-hangar/kernel/event-store';
import { beforeEach, describe, expect, test } from 'vitest';
import { mcpServerStream, type McpServerEvent } from '../../domain/mcp-server/events.ts';
import { readPast } from './past.ts';
import { fromSnapshot, replayServer, snapshotOf, unreplayed } from './server-replay.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';

const STREAM = mcpServerStream('files');

/** A log that tells how much was read of it. */
class Counting extends MemoryEventStore {
  eventsRead = 0;
  override async read(...args: Parameters<MemoryEventStore['read']>) {
    const page = await super.read(...args);
    this.eventsRead += page.length;
    return page;
  }
}

let ids = 0;
const stored = (event: McpServerEvent, producedBy = 'one'): NewEvent => ({
  id: `id-${(ids += 1)}`,
  schemaVersion: 1,
  occurredAtMs: 1,
  producedBy,
  ...event,
});

const counted = (failures: number, reason = 'it broke'): McpServerEvent => ({
  type: 'McpServerFailureCounted',
  data: {
    mcp_server_id: 'files',
    consecutive_failures: failures,
    stillborn: 0,
    reason,
    retry_at_ms: failures,
    kind: 'start',
  },
});

const changed = (to: 'cold' | 'ready' | 'degraded'): McpServerEvent => ({
  type: 'McpServerStateChanged',
  data: {
    mcp_server_id: 'files',
    old_state: 'cold',
    new_state: to,
    reason: 'it did',
    consecutive_failures: 0,
    retry_at_ms: 0,
  },
});

let store: Counting;
beforeEach(() => {
  store = new Counting();
});

const append = (events: readonly NewEvent[], stream = STREAM): Promise<unknown> =>
  store.append({ stream, expected: 'any', events });
const many = (count: number): readonly NewEvent[] =>
  Array.from({ length: count }, (_, at) => stored(counted(at)));
const ignored = { record: () => undefined };

describe('a snapshot', () => {
  test('and the events behind it come to the same as all events', async () => {
    await append([stored(changed('ready')), ...many(40)]);
    const before = await replayServer(store, unreplayed(STREAM));
    const snapshot = snapshotOf(before);
    await append([stored(changed('degraded')), stored(counted(7, 'again'), 'two')]);
    const whole = await replayServer(store, unreplayed(STREAM));
    const begun = snapshot && fromSnapshot(snapshot);
    const rest = await replayServer(store, begun ?? unreplayed(STREAM));
    expect(rest).toEqual({ ...whole, eventsCount: 2 });
    expect(rest).toMatchObject({ producedBy: 'two', version: 43, state: { phase: 'degraded' } });
  });

  test('of another form, or with other members, is as good as none', async () => {
    await append(many(3));
    const snapshot = snapshotOf(await replayServer(store, unreplayed(STREAM)));
    if (snapshot === undefined) throw new Error('there is a state');
    const lifecycle = JSON.stringify(snapshot.state['lifecycle']);
    const withMember = (member: string): JsonValue =>
      JSON.parse(lifecycle.replace(/}$/, `,${member}}`)) as JsonValue;
    for (const other of [
      { ...snapshot, schemaVersion: 2 },
      { ...snapshot, state: {} },
      { ...snapshot, state: { ...snapshot.state, lifecycle: withMember('"colour":"red"') } },
      { ...snapshot, state: { ...snapshot.state, lifecycle: withMember('"failures":"3"') } },
      { ...snapshot, state: { ...snapshot.state, lifecycle: [] } },
    ])
      expect(fromSnapshot(other)).toBeUndefined();
    expect(fromSnapshot(snapshot)?.state.failures).toBe(2);
  });
});

describe('a start', () => {
  test('reads what is behind the snapshots, and keeps what was long to read', async () => {
    await append([stored(changed('degraded')), ...many(200)]);
    let saved = 0;
    const onSnapshots: Parameters<typeof readPast>[2] = {
      onSnapshots: (snapshots) => {
        saved += snapshots.length;
        void store.saveSnapshots(snapshots);
      },
    };
    const first = await readPast(store, ignored, onSnapshots);
    expect([store.eventsRead, saved]).toEqual([201, 1]);
    const second = await readPast(store, ignored, onSnapshots);
    expect([store.eventsRead, saved]).toEqual([201, 1]);
    await append(many(3));
    const third = await readPast(store, ignored, onSnapshots);
    expect([store.eventsRead, saved]).toEqual([204, 1]);
    expect(second).toEqual(first);
    expect(third.get('files')).toMatchObject({ phase: 'degraded', failures: 2 });
  });

  test('does not read all of a long log of before there were snapshots', async () => {
    await append([...many(3_000), stored(changed('degraded')), ...many(10)]);
    const past = await readPast(store, ignored);
    expect(past.get('files')).toMatchObject({ phase: 'degraded', failures: 9 });
    expect(store.eventsRead).toBeLessThanOrEqual(256);
  });

  test('closes what a gateway that is gone left alive, and not what belongs to one that runs', async () => {
    await append([stored(changed('ready'), 'gone')]);
    await append([stored(changed('ready'), 'running')], mcpServerStream('other'));
    const told: string[] = [];
    const past = await readPast(
      store,
      { record: (stream) => void told.push(stream) },
      { isAlive: (producer) => producer === 'running' },
    );
    expect(new Set(told)).toEqual(new Set([STREAM]));
    expect([...past.values()].map(({ phase }) => phase)).toEqual(['cold', 'cold']);
  });
});

describe('while events come', () => {
  test('a snapshot is made once in a while, and none of streams of others', async () => {
    const keeper = new SnapshotKeeper(store);
    await append(many(300));
    keeper.stored(STREAM, 200);
    keeper.stored('tool_calls:files', 10_000);
    await keeper.keepAll().catch(() => undefined);
    await store.saveSnapshots([]);
    expect(await store.snapshots('')).toMatchObject([{ stream: STREAM, version: 300 }]);
    await append(many(100));
    keeper.stored(STREAM, 100);
    await expect.poll(async () => (await store.snapshots(''))[0]?.version).toBe(400);
  });

  test('what old events said of a server outlives them', async () => {
    store = new Counting({ eventsMax: 50 });
    const keeper = new SnapshotKeeper(store);
    await append([stored(changed('degraded')), stored(counted(3, 'the reason'))]);
    await keeper.keepAll();
    await append(many(60), 'tool_calls:files');
    expect(await store.read(STREAM)).toEqual([]);
    const past = await readPast(store, ignored);
    expect(past.get('files')).toMatchObject({ phase: 'degraded', lastFailure: 'the reason' });
  });
});
