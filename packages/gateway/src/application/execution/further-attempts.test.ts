import { Fault } from '@mcp-hangar/kernel/errors';
import { describe, expect, it } from 'vitest';
import {
  CALL_TIMEOUT_MS,
  gateOf,
  NONE,
  POLICY,
  run,
  serverOf,
  StoppedTime,
} from '../../../test-kit/gate-world.ts';
import { settled, specOf } from '../../../test-kit/scripted-launcher.ts';
import type { GuardedServer } from './guarded-call.ts';

const time = StoppedTime.forTests();

describe('A further attempt', () => {
  const repeatable = { isRepeatable: (): boolean => true };

  it('comes after its delay, as often as the policy says, within the time of the call', async () => {
    const call = run(gateOf(), serverOf({ retry: POLICY }), repeatable);
    call.breaks();
    expect(call.retries).toEqual([{ attempt: 2, error: 'UPSTREAM_ENDED', delayMs: 1_000 }]);
    await time.pass(900);
    expect(call.attempts).toEqual([NONE]);
    await time.pass(100);
    expect(call.attempts).toEqual([NONE, CALL_TIMEOUT_MS - 1_000]);
    call.breaks('UPSTREAM_ANSWER_INVALID');
    await time.pass(2_000);
    call.breaks();
    expect(call.fault.code).toBe('UPSTREAM_ENDED');
    expect(call.gate?.attempts).toEqual({
      attempts: 3,
      retries: ['UPSTREAM_ENDED', 'UPSTREAM_ANSWER_INVALID'],
    });
  });

  it('does not come where it could not end in time, or the call is over by then', async () => {
    const late = run(gateOf(), serverOf({ retry: POLICY }), { ...repeatable, timeoutMs: 1_000 });
    late.breaks();
    expect(late.retries).toEqual([]);
    const left = run(gateOf(), serverOf({ retry: POLICY }), repeatable);
    left.breaks();
    left.end();
    await time.pass(3_000);
    expect(left.attempts).toHaveLength(1);
  });

  it.each([
    ['may have been worked on', {}, false, 1],
    ['has certainly not been sent', {}, true, 2],
    ['is of a tool that may be called twice', repeatable, false, 2],
    ['is for no tool', { ...repeatable, tool: undefined }, true, 1],
    ['may be tried once', { ...repeatable, attemptsMax: 1 }, true, 1],
  ])('comes or not where the call %s', async (_what, passage, isUnsent, attempts) => {
    const call = run(gateOf(), serverOf({ retry: POLICY }), passage);
    call.breaks('UPSTREAM_ENDED', isUnsent);
    await time.pass(1_000);
    expect(call.attempts).toHaveLength(attempts);
  });

  it('does not come where the client was asked something', async () => {
    const call = run(gateOf(), serverOf({ retry: POLICY }), repeatable);
    call.gate?.waitsForClient(true);
    call.gate?.waitsForClient(false);
    call.breaks();
    expect(call.fault.code).toBe('UPSTREAM_ENDED');
  });

  it('is allowed by a caller where nothing is configured, and limited by it where it is', async () => {
    const attemptsOf = async (server: GuardedServer, attemptsMax: number): Promise<number> => {
      const call = run(gateOf(), server, { ...repeatable, attemptsMax, timeoutMs: 1_000_000 });
      while (call.error === undefined) {
        call.breaks();
        await time.pass(40_000);
      }
      return call.attempts.length;
    };
    expect(await attemptsOf({ spec: specOf(), retryInMs: 0 }, 4)).toBe(4);
    expect(await attemptsOf(serverOf({ retry: POLICY }), 2)).toBe(2);
    expect(await attemptsOf(serverOf({ retry: POLICY }), 9)).toBe(3);
  });

  it('waits as long as the server, or its back-off, wants', () => {
    const call = run(gateOf(), { ...serverOf({ retry: POLICY }), retryInMs: 4_000 }, repeatable);
    call.breaks();
    expect(call.retries[0]?.delayMs).toBe(4_000);
    const other = run(gateOf(), serverOf({ retry: POLICY }), repeatable);
    const data = { retryAfterMs: 7_000 };
    other.fail(new Fault('UPSTREAM_UNAVAILABLE', 'busy', { data }));
    expect(other.retries[0]?.delayMs).toBe(7_000);
  });

  it('has the time that the policy gives each attempt', async () => {
    const retry = { ...POLICY, attemptTimeoutMs: 8_500 };
    const call = run(gateOf(), serverOf({ retry }), repeatable);
    time.nowMs += 8_500;
    call.breaks('CALL_TIMED_OUT');
    await time.pass(1_000);
    expect(call.attempts).toEqual([8_500, 500]);
    call.breaks('CALL_TIMED_OUT');
    expect(call.fault.code).toBe('CALL_TIMED_OUT');
  });

  it('holds no place while it waits, and takes one in its turn', async () => {
    const server = serverOf({ retry: POLICY, concurrencyMax: 1 });
    const gate = gateOf();
    const [first, second] = [run(gate, server, repeatable), run(gate, server, repeatable)];
    first.breaks();
    await settled();
    expect(second.runs).toBe(true);
    await time.pass(1_000);
    expect([first.attempts.length, gate.queuedOf(server)]).toEqual([1, 1]);
    second.end();
    await settled();
    expect(first.attempts).toHaveLength(2);
  });

  it('waits for its place no longer than the call has time', async () => {
    const server = serverOf({ retry: POLICY, concurrencyMax: 1 });
    const gate = gateOf({ queueTimeoutMs: 60_000 });
    const first = run(gate, server, repeatable);
    run(gate, server, { ...repeatable, timeoutMs: 1_000_000 });
    first.breaks();
    await time.pass(5_000);
    expect(gate.queuedOf(server)).toBe(1);
    await time.pass(6_000);
    expect([first.attempts.length, gate.queuedOf(server)]).toEqual([1, 0]);
    expect(first.fault.code).toBe('UPSTREAM_ENDED');
  });

  it('costs its server what a call costs, and is not made where that is too much', async () => {
    const rateLimit = { perSecond: 0.001, burst: 2 };
    const gate = gateOf();
    const call = run(gate, serverOf({ retry: POLICY, rateLimit }), repeatable);
    call.breaks();
    await time.pass(1_000);
    call.breaks('UPSTREAM_ANSWER_INVALID');
    await time.pass(2_000);
    expect(call.attempts).toHaveLength(2);
    expect(call.fault.code).toBe('UPSTREAM_ANSWER_INVALID');
  });
});
