/** A server whose configuration changes while it works. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { specOf } from '../../../test-kit/scripted-launcher.ts';
import { askingUser, userOf, worldOf } from '../../../test-kit/server-world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const nobody = {
  take(): never {
    throw new Fault('MCP_SERVER_UNKNOWN', 'it was taken out');
  },
};
const names = (events: readonly { readonly type: string }[]): readonly string[] =>
  events.map(({ type }) => type);

describe('A server that goes on with another specification', () => {
  it('keeps its child, and obeys the new limits', async () => {
    const { server, launcher, clock } = worldOf({ idleTtlMs: 60_000 }, { hello: {} });
    const child = await server.take(userOf());
    child.end(clock.nowMs(), true);
    server.adopt(specOf({ idleTtlMs: 100, description: 'new' }));
    expect(server.spec.description).toBe('new');
    expect(launcher.asked).toHaveLength(1);
    clock.now += 100;
    await vi.advanceTimersByTimeAsync(100);
    expect(server.running).toEqual([]);
  });

  it('lets those who wait have the children that it may have now', async () => {
    const { server } = worldOf({ leasedChildrenMax: 1 }, { hello: {} });
    await server.take(askingUser());
    const second = server.take(askingUser());
    server.adopt(specOf({ leasedChildrenMax: 2 }));
    await expect(second).resolves.toMatchObject({ inFlight: 1 });
  });

  it('counts failures up to the new number', async () => {
    const { server, clock } = worldOf({ failuresMax: 9 }, { hello: {} });
    const child = await server.take(userOf());
    server.adopt(specOf({ failuresMax: 1 }));
    child.report({ outcome: 'failed', beganAtMs: clock.nowMs(), reason: 'silent' });
    expect(server.phase).toBe('degraded');
  });
});

describe('A server that is retired', () => {
  it('lets its calls end, and then ends its child without a failure', async () => {
    const { server, clock, events } = worldOf({}, { hello: {} });
    const child = await server.take(userOf());
    const retired = server.retire(nobody, 1_000);
    await vi.advanceTimersByTimeAsync(500);
    expect(child.isGone).toBe(false);
    child.end(clock.nowMs(), true);
    await vi.advanceTimersByTimeAsync(50);
    await retired;
    expect(child.isGone).toBe(true);
    expect(names(events).slice(-2)).toEqual(['McpServerStopped', 'McpServerStateChanged']);
    expect(events.at(-2)?.data).toMatchObject({ reason: 'reload' });
    expect(names(events)).not.toContain('McpServerFailureCounted');
  });

  it('ends what takes longer than it may', async () => {
    const { server } = worldOf({}, { hello: {} });
    const child = await server.take(userOf());
    const retired = server.retire(nobody, 300);
    await vi.advanceTimersByTimeAsync(400);
    await retired;
    expect(child.isGone).toBe(true);
  });

  it('sends whoever comes to what stands in its place', async () => {
    const [old, next] = [worldOf({}, { hello: {} }), worldOf({}, { hello: {} })];
    await old.server.take(userOf());
    void old.server.retire(next.server, 1_000);
    await old.server.take(userOf());
    expect([old.launcher.asked.length, next.launcher.asked.length]).toEqual([1, 1]);
    void next.server.retire(nobody, 1_000);
    expect(() => old.server.take(userOf())).toThrow('it was taken out');
  });

  it('says nothing more in its stream, which goes on with its successor', async () => {
    const { server, events } = worldOf({}, { hello: {} });
    const child = await server.take(userOf());
    void server.retire(nobody, 1_000);
    const count = events.length;
    child.ended('killed');
    expect(events).toHaveLength(count);
  });

  it('is forgiven what failed before', async () => {
    const { server, events, clock } = worldOf({ failuresMax: 1 }, { hello: {} });
    const child = await server.take(userOf());
    child.report({ outcome: 'failed', beganAtMs: clock.nowMs(), reason: 'silent' });
    expect(server.phase).toBe('degraded');
    void server.retire(nobody, 0);
    expect(events.at(-1)?.data).toMatchObject({ new_state: 'cold', consecutive_failures: 0 });
  });
});
