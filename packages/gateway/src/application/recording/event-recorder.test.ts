import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Append, EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { settled, SILENT } from '../../../test-kit/scripted-launcher.ts';
import type { Logger } from '../ports.ts';
import { digestOf, toolCallStream, type SettledCall } from './call-event.ts';
import { EventRecorder } from './event-recorder.ts';

/** A log whose disk can be full for a while. */
class Disk extends MemoryEventStore {
  isFull = false;
  readonly sizes: number[] = [];
  override async append(append: Append): ReturnType<EventStore['append']> {
    if (this.isFull) throw new Fault('EVENT_STORE_UNAVAILABLE', 'no space is left');
    this.sizes.push(append.events.length);
    return super.append(append);
  }
}

const CALL: SettledCall = {
  mcpServerId: 'files',
  toolName: 'read',
  arguments: { b: 1, a: 'secret-argument' },
  requestChars: 100,
  caller: 'session-1',
  clientName: 'cursor',
  meta: undefined,
  ending: { outcome: 'answered', error: undefined, bytes: 10, durationMs: 3 },
};

let ids = 0;
function recorderOn(store: EventStore, callsMax = 1_000, logger: Logger = SILENT): EventRecorder {
  const newId = (): string => `id-${(ids += 1)}`;
  return new EventRecorder({
    store,
    clock: { nowMs: () => 5 },
    logger,
    producedBy: 'test',
    newId,
    callsMax,
  });
}

const storedIn = async (store: EventStore): Promise<readonly StoredEvent[]> =>
  (await store.readAll(undefined, 1_000)).events;

/** Lets the linger time and all that follows from it pass. */
async function pass(ms = 100): Promise<void> {
  await settled();
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => vi.useRealTimers());

test('calls are written at once where as many wait as may', async () => {
  const disk = new Disk();
  const recorder = recorderOn(disk, 256);
  for (let n = 0; n < 256; n += 1) recorder.callSettled(CALL);
  await settled();
  recorder.callSettled(CALL);
  await pass();
  expect(disk.sizes).toEqual([256, 1]);
  await recorder[Symbol.asyncDispose]();
});

describe('a settled call', () => {
  test('is one event that says who called what and how it ended, never with what', async () => {
    const store = new MemoryEventStore();
    const recorder = recorderOn(store);
    recorder.callSettled(CALL);
    await pass();
    const [event] = await storedIn(store);
    expect(event).toMatchObject({
      type: 'ToolInvocationCompleted',
      stream: 'tool_calls:files',
      producedBy: 'test',
      data: {
        mcp_server_id: 'files',
        tool_name: 'read',
        arguments_digest: digestOf({ a: 'secret-argument', b: 1 }),
        result_size_bytes: 10,
        duration_ms: 3,
      },
    });
    expect(JSON.stringify(event)).not.toMatch(/secret-argument|session-1/);
  });

  test('has the correlation id that came with it, else its own', async () => {
    const store = new MemoryEventStore();
    const recorder = recorderOn(store);
    recorder.callSettled({ ...CALL, meta: { correlation_id: 'mine' } });
    recorder.callSettled({ ...CALL, meta: { correlation_id: 7 } });
    await pass();
    const [named, made] = await storedIn(store);
    expect(named?.data['correlation_id']).toBe('mine');
    expect(made?.data['correlation_id']).toBe(made?.id);
  });

  test('that failed with very long words is kept short', async () => {
    const store = new MemoryEventStore();
    const recorder = recorderOn(store);
    const ending = { ...CALL.ending, error: 'UPSTREAM_ENDED', detail: 'x'.repeat(100_000) };
    recorder.callSettled({ ...CALL, ending });
    await pass();
    const [event] = await storedIn(store);
    expect(event?.data['error_message']).toBe('x'.repeat(1_024));
  });

  test('that failed says how', async () => {
    const store = new MemoryEventStore();
    const recorder = recorderOn(store);
    const ending = { outcome: 'failed', error: 'CALL_TIMED_OUT', bytes: 0, durationMs: 9 } as const;
    recorder.callSettled({ ...CALL, ending, mcpServerId: undefined });
    await pass();
    expect(await storedIn(store)).toMatchObject([
      {
        type: 'ToolInvocationFailed',
        stream: 'tool_calls',
        data: { error_type: 'CALL_TIMED_OUT' },
      },
    ]);
  });
});

describe('batches', () => {
  test('are full under load, and keep the order of each stream', async () => {
    const store = new Disk();
    const recorder = recorderOn(store);
    for (let at = 0; at < 900; at += 1)
      recorder.callSettled({
        ...CALL,
        mcpServerId: at % 3 === 0 ? 'a' : 'b',
        toolName: String(at),
      });
    await pass();
    await pass();
    expect(store.sizes.reduce((a, b) => a + b)).toBe(900);
    expect(store.sizes.length).toBeLessThanOrEqual(8);
    const names = (await store.read(toolCallStream('a'), 1, 1_000)).map(
      ({ data }) => data['tool_name'],
    );
    expect(names).toEqual(Array.from({ length: 300 }, (_, at) => String(at * 3)));
  });
});

describe('a log that cannot be written', () => {
  test('keeps what waits, says why, and is written when it works again', async () => {
    const store = new Disk();
    store.isFull = true;
    const recorder = recorderOn(store);
    recorder.record('s', { type: 'First', data: {} });
    await pass();
    expect(recorder.problem).toBe('no space is left');
    recorder.record('s', { type: 'Second', data: {} });
    store.isFull = false;
    await pass(60_000);
    expect(recorder.problem).toBeUndefined();
    expect((await storedIn(store)).map(({ type }) => type)).toEqual(['First', 'Second']);
  });

  test('that stored events and could not say so any more does not get them twice, nor stops at them', async () => {
    const store = new (class extends MemoryEventStore {
      isDying = true;
      override async append(append: Append): ReturnType<EventStore['append']> {
        const appended = await super.append(append);
        if (!this.isDying) return appended;
        throw new Fault('EVENT_STORE_UNAVAILABLE', 'its worker is gone', {
          data: { outcome: 'unknown' },
        });
      }
    })();
    const recorder = recorderOn(store);
    for (const type of ['First', 'Second']) recorder.record('s', { type, data: {} });
    await pass();
    store.isDying = false;
    recorder.record('s', { type: 'Third', data: {} });
    await pass(60_000);
    expect(recorder.problem).toBeUndefined();
    const types = (await storedIn(store)).map(({ type }) => type);
    expect(types).toEqual(['First', 'Second', 'Third']);
  });

  test('loses calls beyond the bound, and tells how many by one event', async () => {
    const store = new Disk();
    store.isFull = true;
    const recorder = recorderOn(store, 10);
    for (let at = 0; at < 25; at += 1) recorder.callSettled(CALL);
    await pass();
    for (let at = 0; at < 5; at += 1) recorder.callSettled(CALL);
    store.isFull = false;
    await pass(60_000);
    const events = await storedIn(store);
    expect(events.filter(({ type }) => type === 'ToolInvocationCompleted')).toHaveLength(10);
    const lost = events.filter(({ type }) => type === 'CallsNotRecorded');
    expect(lost.reduce((sum, { data }) => sum + Number(data['count']), 0)).toBe(20);
  });

  test('does not keep the gateway from ending', async () => {
    const store = new Disk();
    store.isFull = true;
    const recorder = recorderOn(store);
    recorder.record('s', { type: 'First', data: {} });
    const ended = recorder[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(ended).resolves.toBeUndefined();
  });

  test.each([
    ['refuses', (): Promise<never> => Promise.reject(new Error('no room'))],
    ['does not answer', (): Promise<never> => new Promise(() => undefined)],
  ])('that %s until the end is told how much it has lost', async (_what, append) => {
    const store = new MemoryEventStore();
    store.append = append;
    const told: unknown[] = [];
    const recorder = recorderOn(store, 2, {
      ...SILENT,
      error: (fields, message) => void told.push([fields, message]),
    });
    for (let at = 0; at < 3; at += 1) recorder.callSettled(CALL);
    recorder.record('s', { type: 'First', data: {} });
    await pass();
    recorder.record('s', { type: 'Second', data: {} });
    const ended = recorder[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(10_000);
    await ended;
    expect(told).toEqual([[expect.objectContaining({ events: 5 }), 'events_not_recorded']]);
  });
});

test('what clients do otherwise shares the room of calls, and is counted with them', async () => {
  const store = new MemoryEventStore();
  const recorder = recorderOn(store, 2);
  recorder.callSettled(CALL);
  for (let n = 0; n < 3; n += 1) recorder.recordActivity('batches', { type: 'Done', data: { n } });
  recorder.record('mcp_server:files', { type: 'McpServerStopped', data: {} });
  await pass();
  const events = await storedIn(store);
  expect(events.filter(({ stream }) => stream === 'batches').map(({ data }) => data)).toEqual([
    { n: 0 },
  ]);
  expect(events.map(({ type }) => type)).toContain('McpServerStopped');
  const lost = events.filter(({ type }) => type === 'CallsNotRecorded');
  expect(lost.map(({ data }) => data)).toEqual([{ count: 2 }]);
});

test('what waits is written at the end', async () => {
  const appended: string[] = [];
  const store = new Disk();
  const recorder = recorderOn(store);
  recorder.callSettled(CALL);
  recorder.record('s', { type: 'Last', data: {} });
  store[Symbol.asyncDispose] = async () => {
    appended.push(...(await storedIn(store)).map(({ type }) => type));
  };
  await recorder[Symbol.asyncDispose]();
  expect(appended.toSorted()).toEqual(['Last', 'ToolInvocationCompleted']);
});

describe('the digest of arguments', () => {
  test('is the same in whatever order they were written, and differs where they differ', () => {
    expect(digestOf({ a: 1, b: { c: [1, { e: 1, d: 2 }] } })).toBe(
      digestOf({ b: { c: [1, { d: 2, e: 1 }] }, a: 1 }),
    );
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }));
    expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
    expect(digestOf(undefined)).toBe(digestOf({}));
  });

  test('knows an argument called __proto__', () => {
    expect(digestOf(JSON.parse('{"__proto__":{"a":1}}'))).not.toBe(digestOf({}));
  });
});

test('what the log will never take is counted, and holds up nothing', async () => {
  class Picky extends MemoryEventStore {
    override async append(append: Append): ReturnType<EventStore['append']> {
      if (append.stream === 'tool_calls:odd') throw new TypeError('too long');
      return super.append(append);
    }
  }
  const store = new Picky();
  const recorder = recorderOn(store);
  recorder.callSettled({ ...CALL, mcpServerId: 'odd' });
  recorder.callSettled(CALL);
  await pass();
  const types = (await storedIn(store)).map(({ type, data }) => [type, data['count']]);
  expect(types).toEqual([
    ['ToolInvocationCompleted', undefined],
    ['CallsNotRecorded', 1],
  ]);
  expect(recorder.problem).toBeUndefined();
});
