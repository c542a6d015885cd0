import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ScriptedLauncher,
  SILENT,
  specOf,
  type Hello,
} from '../../../test-kit/scripted-launcher.ts';
import { userOf } from '../../../test-kit/server-world.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import { processStreams } from '../../domain/processes/streams.ts';
import { EventRecorder } from '../recording/event-recorder.ts';
import { readPast } from '../recording/past.ts';
import { McpServer } from '../servers/mcp-server.ts';
import { newProcesses } from './new-processes.ts';
import { pendingIn, readProcesses } from './past-processes.ts';
import type { Processes } from './processes.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

let ids = 0;
const newId = (): string => `id-${(ids += 1)}`;

interface Life {
  readonly server: McpServer;
  readonly launcher: ScriptedLauncher;
  readonly processes: Processes;
  readonly pass: (ms: number) => Promise<void>;
  /** Another server takes the place of this one. */
  readonly replace: () => void;
  /** As after `kill -9`: what was recorded is in the store, nothing is ended. */
  readonly kill: () => void;
}

/** One gateway after the other on one store. */
async function life(
  store: MemoryEventStore,
  clock: { now: number; nowMs(): number },
  hello?: Hello,
): Promise<Life> {
  const past = await readPast(store, { record: () => undefined });
  const pastProcesses = await readProcesses(store);
  const recorder = new EventRecorder({
    store,
    clock,
    logger: SILENT,
    producedBy: 'test',
    newId,
    callsMax: 10,
  });
  const servers: McpServer[] = [];
  const processes = newProcesses(
    { clock, logger: SILENT, events: recorder, newEventId: newId, pastProcesses },
    () => servers,
  );
  const launcher = new ScriptedLauncher(hello);
  const newServer = (lifecycle: Lifecycle | undefined): McpServer =>
    new McpServer(specOf({ failuresMax: 1 }), {
      launcher,
      clock,
      logger: SILENT,
      random: () => 0.5,
      leaseWaitMs: 1_000,
      listener: {
        ready: () => undefined,
        changed: () => undefined,
        ended: () => undefined,
        toolsKnown: () => undefined,
      },
      remembered: { lifecycle, eras: undefined },
      events: processes,
    });
  const server = newServer(past.get('server'));
  servers.push(server);
  processes.resume();
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      clock.now += 100;
      await vi.advanceTimersByTimeAsync(100);
    }
  };
  const replace = (): void => void servers.splice(0, 1, newServer(undefined));
  return { server, launcher, processes, pass, replace, kill: () => processes.close() };
}

function world(): { store: MemoryEventStore; clock: { now: number; nowMs(): number } } {
  const clock = {
    now: 1_000_000,
    nowMs(): number {
      return this.now;
    },
  };
  return { store: new MemoryEventStore(), clock };
}

async function failedStart({ server, launcher, pass }: Life): Promise<void> {
  launcher.failure = 'it does not run';
  await Promise.resolve(server.take(userOf())).catch(() => undefined);
  await pass(100);
}

const processEvents = async (store: MemoryEventStore): Promise<readonly string[]> => {
  const [stream] = await store.streams(processStreams());
  const events = stream === undefined ? [] : await store.read(stream.stream);
  return events.map(({ type, data: { outcome } }) =>
    typeof outcome === 'string' ? outcome : type,
  );
};

describe('a degraded server', () => {
  test('is tried again without a call, and the series is over when it answers', async () => {
    const { store, clock } = world();
    const first = await life(store, clock, {});
    await failedStart(first);
    expect(first.server.phase).toBe('degraded');
    expect(first.processes.pending()).toMatchObject([
      {
        process: 'recovery',
        subject: 'server',
        status: 'waiting',
        attempt: 1,
        reason: 'it does not run',
      },
    ]);
    first.launcher.failure = undefined;
    await first.pass(5_100);
    expect(first.server.phase).toBe('ready');
    const child = await first.server.take(userOf());
    child.end(clock.now, true);
    await first.pass(200);
    expect(first.processes.pending()).toEqual([]);
    expect(await processEvents(store)).toEqual([
      'RecoveryScheduled',
      'RecoveryAttempted',
      'recovered',
    ]);
  });

  test('is given up after three attempts, is dead, and the next call tries it all the same', async () => {
    const { store, clock } = world();
    const only = await life(store, clock, {});
    await failedStart(only);
    await only.pass(120_000);
    expect(only.launcher.asked).toHaveLength(4);
    expect(only.server.phase).toBe('dead');
    expect(await processEvents(store)).toContain('gave_up');
    expect(only.processes.pending()).toEqual([]);
    only.launcher.failure = undefined;
    const child = await only.server.take(userOf());
    child.end(clock.now, true);
    expect([only.server.phase, only.server.health.consecutiveFailures]).toEqual(['ready', 0]);
  });

  test('that a person stops or starts is not tried any more', async () => {
    const { store, clock } = world();
    const only = await life(store, clock, {});
    await failedStart(only);
    await only.server.stop('user_request');
    await only.pass(60_000);
    expect(only.launcher.asked).toHaveLength(1);
    expect(await processEvents(store)).toEqual(['RecoveryScheduled', 'cancelled']);
  });
});

describe('a configuration that changes while a server is recovered', () => {
  test('and leaves that server changes neither its time nor its attempts', async () => {
    const { store, clock } = world();
    const only = await life(store, clock, {});
    await failedStart(only);
    const [due] = only.processes.pending();
    only.processes.follow({ isGone: () => false });
    expect(only.processes.pending()).toEqual([due]);
    only.launcher.failure = undefined;
    await only.pass(5_100);
    // It was started and has not answered yet: it may still hang.
    expect([only.server.phase, only.processes.pending()]).toMatchObject([
      'ready',
      [{ status: 'trying', attempt: 1 }],
    ]);
    only.processes.follow({ isGone: () => false });
    expect(only.processes.pending()).toMatchObject([{ status: 'trying', attempt: 1 }]);
    only.launcher.failure = 'it does not run';
    for (const child of only.server.running) child.ended('killed');
    await only.pass(120_000);
    expect(await processEvents(store)).toEqual([
      'RecoveryScheduled',
      'RecoveryAttempted',
      'RecoveryScheduled',
      'RecoveryAttempted',
      'RecoveryScheduled',
      'RecoveryAttempted',
      'gave_up',
    ]);
  });

  test('and takes that server away ends its recovery, and nothing tries what has its place', async () => {
    const { store, clock } = world();
    const only = await life(store, clock, {});
    await failedStart(only);
    only.launcher.failure = undefined;
    void only.server.retire({ take: () => Promise.reject(new Error('gone')) }, 0);
    only.replace();
    only.processes.follow({ isGone: (id) => id === 'server' });
    expect(only.processes.pending()).toEqual([]);
    await only.pass(120_000);
    expect(only.launcher.asked).toHaveLength(1);
    expect(await processEvents(store)).toEqual(['RecoveryScheduled', 'cancelled']);
  });
});

describe('a gateway that is killed while a recovery waits', () => {
  test('is followed by one that keeps the time, and fires once', async () => {
    const { store, clock } = world();
    const first = await life(store, clock, {});
    await failedStart(first);
    const [due] = first.processes.pending();
    first.kill();
    const second = await life(store, clock, {});
    expect(second.processes.pending()).toEqual([due]);
    await second.pass(4_000);
    expect(second.launcher.asked).toHaveLength(0);
    await second.pass(60_000);
    expect(second.launcher.asked).toHaveLength(1);
    expect(second.server.phase).toBe('ready');
  });

  test('and whose time has come meanwhile is followed by one that tries at once', async () => {
    const { store, clock } = world();
    const first = await life(store, clock, {});
    await failedStart(first);
    first.kill();
    clock.now += 3_600_000;
    const second = await life(store, clock, {});
    await second.pass(200);
    expect(second.launcher.asked).toHaveLength(1);
  });

  test('before the recovery was recorded is followed by one that begins it', async () => {
    const { store, clock } = world();
    const first = await life(store, clock, {});
    first.kill();
    await failedStart(first);
    expect(await processEvents(store)).toEqual([]);
    const second = await life(store, clock, {});
    expect(second.processes.pending()).toMatchObject([{ status: 'waiting', attempt: 1 }]);
  });

  test('leaves in the log what the next one goes on with', async () => {
    const { store, clock } = world();
    const first = await life(store, clock, {});
    await failedStart(first);
    expect(pendingIn(await readProcesses(store), new Map())).toEqual(first.processes.pending());
  });
});
