import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import fc from 'fast-check';
import { afterEach, assert, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { SILENT, specOf } from '../../../test-kit/scripted-launcher.ts';
import { STANDARD_RETRY, type RetryPolicy } from '../../domain/execution/retry-policy.ts';
import {
  NO_LIMITS,
  type ExecutionSettings,
  type ServerExecution,
} from '../../domain/execution/settings.ts';
import type { CallGate, Retrying } from '../calls/call-gate.ts';
import { ExecutionGate } from './execution-gate.ts';
import type { Guarded, GuardedServer, Passage } from './guarded-call.ts';

const QUEUE_TIMEOUT_MS = 1_000;
const CALL_TIMEOUT_MS = 10_000;
const NONE = Number.POSITIVE_INFINITY;
const FREE: ServerExecution = {
  concurrencyMax: NONE,
  rateLimit: undefined,
  toolRateLimits: [],
  retry: undefined,
};
const POLICY: RetryPolicy = { ...STANDARD_RETRY, attemptsMax: 3, jitter: 0 };

let nowMs = 0;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  nowMs = 1;
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Time passes, a tenth of the shortest limit at a time. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    nowMs += Math.min(100, left);
    await vi.advanceTimersByTimeAsync(Math.min(100, left));
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const gateOf = (settings: Partial<ExecutionSettings> = {}): ExecutionGate =>
  new ExecutionGate({
    settings: { ...NO_LIMITS, queueTimeoutMs: QUEUE_TIMEOUT_MS, ...settings },
    logger: SILENT,
    random: () => 0.5,
  });
const serverOf = (execution: Partial<ServerExecution> = {}, id = 'up'): GuardedServer => ({
  spec: specOf({ id, execution: { ...FREE, ...execution } }),
  retryInMs: 0,
});

/** A call whose attempts do what the test says. */
class TestCall implements Guarded {
  settled = false;
  gate: CallGate | undefined;
  error: unknown;
  /** The time that each attempt was given; infinite where it has that of every call. */
  readonly attempts: number[] = [];
  readonly retries: Retrying[] = [];

  admit(gate: ExecutionGate, server: GuardedServer, passage: Partial<Passage> = {}): this {
    gate.admit(this, {
      server,
      principal: 'somebody',
      tool: 'tool',
      timeoutMs: CALL_TIMEOUT_MS,
      isRepeatable: () => false,
      attempt: (limit) => void this.attempts.push(limit?.timeoutMs ?? NONE),
      onRetry: (retry) => void this.retries.push(retry),
      ...passage,
    });
    return this;
  }

  end(): void {
    this.settled = true;
    this.gate?.over();
  }

  fail(error: unknown): void {
    if (error instanceof Fault && this.gate?.triesAgain(error, false) === true) return;
    this.error = error;
    this.end();
  }

  breaks(code: ErrorCode = 'UPSTREAM_ENDED', isUnsent = false): void {
    const fault = new Fault(code, 'it broke');
    if (this.gate?.triesAgain(fault, isUnsent) === true) return;
    this.error = fault;
    this.end();
  }

  get runs(): boolean {
    return this.attempts.length > 0;
  }

  get fault(): Fault {
    assert(this.error instanceof Fault);
    return this.error;
  }
}
const run = (gate: ExecutionGate, server: GuardedServer, passage?: Partial<Passage>): TestCall =>
  new TestCall().admit(gate, server, passage);

describe('Without anything configured', () => {
  it('a server is not guarded', () => {
    expect(gateOf().guards({ spec: specOf(), retryInMs: 0 })).toBe(false);
    expect(gateOf().guards(serverOf())).toBe(true);
    const limit = { perSecond: 1, burst: 1 };
    for (const settings of [
      { concurrencyMax: 1 },
      { rateLimit: limit },
      { principalRateLimit: limit },
    ])
      expect(gateOf(settings).guards({ spec: specOf(), retryInMs: 0 })).toBe(true);
  });
});

describe('A place', () => {
  it('is free for the next in line when a call is over, and not before its own answer', async () => {
    const [gate, server] = [gateOf(), serverOf({ concurrencyMax: 1 })];
    const [first, second] = [run(gate, server), run(gate, server)];
    expect([first.runs, second.runs, gate.queuedOf(server)]).toEqual([true, false, 1]);
    first.end();
    expect(second.runs).toBe(false);
    await settled();
    expect([second.runs, gate.queuedOf(server)]).toEqual([true, 0]);
  });

  it('is waited for no longer than the deadline, which names the limit that is reached', async () => {
    const gate = gateOf({ concurrencyMax: 2 });
    const [one, other] = [serverOf({ concurrencyMax: 1 }), serverOf({}, 'other')];
    run(gate, one);
    const ofServer = run(gate, one);
    run(gate, other);
    const ofAll = run(gate, other);
    await pass(QUEUE_TIMEOUT_MS + 200);
    expect([ofServer.runs, ofAll.runs]).toEqual([false, false]);
    expect(ofServer.fault).toMatchObject({
      code: 'CONCURRENCY_LIMITED',
      message:
        'MCP server "up" has as many calls at one time as it may, 1 (mcp_servers.up.max_concurrency); no place became free in 1 s (execution.queue_timeout_s)',
      data: { limit: 'mcp_servers.up.max_concurrency' },
    });
    expect(ofAll.fault.message).toBe(
      'the gateway has as many calls at one time as it may, 2 (execution.max_concurrency); no place became free in 1 s (execution.queue_timeout_s)',
    );
    const { retryAfterMs } = ofServer.fault.data ?? {};
    expect(retryAfterMs).toBeGreaterThanOrEqual(QUEUE_TIMEOUT_MS);
    expect([gate.queuedOf(one), gate.queuedOf(other)]).toEqual([0, 0]);
  });

  it('is waited for by no more calls than may wait', () => {
    const gate = gateOf({ queueMax: 2 });
    const server = serverOf({ concurrencyMax: 1 });
    const calls = Array.from({ length: 4 }, () => run(gate, server));
    expect(calls.map(({ error }) => error !== undefined)).toEqual([false, false, false, true]);
    expect(calls[3]?.fault.message).toContain('and 2 more wait (execution.queue_max)');
    expect(calls[3]?.fault.data?.['retryAfterMs']).toBe(100);
  });

  it('is given up at once by who waits for it no more, and goes to the next', async () => {
    const [gate, server] = [gateOf(), serverOf({ concurrencyMax: 1 })];
    const [first, second, third] = [run(gate, server), run(gate, server), run(gate, server)];
    second.end();
    expect(gate.queuedOf(server)).toBe(1);
    first.end();
    await settled();
    expect([second.runs, third.runs]).toEqual([false, true]);
  });

  it('goes through a thousand calls that fail at once without going deep', async () => {
    const [gate, server] = [gateOf(), serverOf({ concurrencyMax: 1 })];
    const first = run(gate, server);
    const rest = Array.from({ length: 1_000 }, () => {
      const call = new TestCall();
      return call.admit(gate, server, { attempt: () => call.fail(new Error('at once')) });
    });
    first.end();
    await settled();
    expect(rest.every(({ error }) => error instanceof Error)).toBe(true);
    expect(run(gate, server).runs).toBe(true);
  });

  it('is not held while a server starts, and comes back before those who never had it', async () => {
    const [gate, server] = [gateOf(), serverOf({ concurrencyMax: 1 })];
    const [first, second, third] = [run(gate, server), run(gate, server), run(gate, server)];
    first.gate?.stepAside();
    await settled();
    expect([second.runs, third.runs]).toEqual([true, false]);
    const went = vi.fn();
    first.gate?.goOn(went);
    await settled();
    expect(went).not.toHaveBeenCalled();
    second.end();
    await settled();
    expect(went).toHaveBeenCalledOnce();
    expect(third.runs).toBe(false);
  });

  it('is not needed to hear that the call is over', () => {
    const [gate, server] = [gateOf(), serverOf({ concurrencyMax: 1 })];
    const first = run(gate, server);
    first.gate?.stepAside();
    run(gate, server);
    const went = vi.fn();
    first.gate?.goOn(went);
    first.end();
    expect(went).toHaveBeenCalledOnce();
  });

  it('is not held while the client is asked, and taken at once when it has answered', async () => {
    const [gate, server] = [gateOf(), serverOf({ concurrencyMax: 1 })];
    const [first, second, third] = [run(gate, server), run(gate, server), run(gate, server)];
    first.gate?.waitsForClient(true);
    await settled();
    expect(second.runs).toBe(true);
    first.gate?.waitsForClient(false);
    second.end();
    await settled();
    expect(third.runs).toBe(false);
    first.end();
    await settled();
    expect(third.runs).toBe(true);
  });

  it('is more where the settings change, and the bucket is another', async () => {
    const gate = gateOf({ concurrencyMax: 1 });
    const server = serverOf();
    run(gate, server);
    const second = run(gate, server);
    gate.configure({ ...NO_LIMITS, rateLimit: { perSecond: 1, burst: 1 } });
    await settled();
    expect(second.runs).toBe(true);
    expect([run(gate, server).runs, run(gate, server).fault.code]).toEqual([true, 'RATE_LIMITED']);
  });
});

describe('A rate limit', () => {
  it('is kept for each principal, and takes nothing where another one refuses', () => {
    const gate = gateOf({
      rateLimit: { perSecond: 1, burst: 3 },
      principalRateLimit: { perSecond: 1, burst: 1 },
    });
    const server = serverOf();
    const limitOf = (principal: string): unknown => {
      const { error } = run(gate, server, { principal });
      return error instanceof Fault ? error.data?.['limit'] : 'none';
    };
    expect(['a', 'a', 'a', 'a', 'b', 'c', 'd'].map(limitOf)).toEqual([
      'none',
      'rate_limit.per_principal',
      'rate_limit.per_principal',
      'rate_limit.per_principal',
      'none',
      'none',
      'rate_limit',
    ]);
    expect(gate.rateUse).toEqual({ activeBuckets: 4, limit: { perSecond: 1, burst: 3 } });
  });

  it('says which one it is, and when to come again', async () => {
    const [gate, server] = [gateOf(), serverOf({ rateLimit: { perSecond: 2, burst: 1 } })];
    run(gate, server);
    const refused = run(gate, server);
    expect(refused.fault).toMatchObject({
      code: 'RATE_LIMITED',
      message:
        'clients of MCP server "up" may make 2 calls a second and 1 at once (mcp_servers.up.rate_limit); try again in 500 ms',
      data: { limit: 'mcp_servers.up.rate_limit', retryAfterMs: 500 },
    });
    await pass(500);
    expect(run(gate, server).runs).toBe(true);
  });

  it('forgets who called longest ago where there are too many', () => {
    const gate = gateOf({ principalRateLimit: { perSecond: 0.001, burst: 1 } });
    const server = serverOf();
    for (let n = 0; n < 10_001; n += 1) run(gate, server, { principal: `p${n}` });
    expect(gate.rateUse.activeBuckets).toBe(10_000);
    expect(run(gate, server, { principal: 'p0' }).runs).toBe(true);
    expect(run(gate, server, { principal: 'p10000' }).fault.code).toBe('RATE_LIMITED');
  });
});

describe('A further attempt', () => {
  const repeatable = { isRepeatable: (): boolean => true };

  it('comes after its delay, as often as the policy says, within the time of the call', async () => {
    const call = run(gateOf(), serverOf({ retry: POLICY }), repeatable);
    call.breaks();
    expect(call.retries).toEqual([{ attempt: 2, error: 'UPSTREAM_ENDED', delayMs: 1_000 }]);
    await pass(900);
    expect(call.attempts).toEqual([NONE]);
    await pass(100);
    expect(call.attempts).toEqual([NONE, CALL_TIMEOUT_MS - 1_000]);
    call.breaks('UPSTREAM_ANSWER_INVALID');
    await pass(2_000);
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
    await pass(3_000);
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
    await pass(1_000);
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
        await pass(40_000);
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
    nowMs += 8_500;
    call.breaks('CALL_TIMED_OUT');
    await pass(1_000);
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
    await pass(1_000);
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
    await pass(5_000);
    expect(gate.queuedOf(server)).toBe(1);
    await pass(6_000);
    expect([first.attempts.length, gate.queuedOf(server)]).toEqual([1, 0]);
    expect(first.fault.code).toBe('UPSTREAM_ENDED');
  });

  it('costs its server what a call costs, and is not made where that is too much', async () => {
    const rateLimit = { perSecond: 0.001, burst: 2 };
    const gate = gateOf();
    const call = run(gate, serverOf({ retry: POLICY, rateLimit }), repeatable);
    call.breaks();
    await pass(1_000);
    call.breaks('UPSTREAM_ANSWER_INVALID');
    await pass(2_000);
    expect(call.attempts).toHaveLength(2);
    expect(call.fault.code).toBe('UPSTREAM_ANSWER_INVALID');
  });
});

const ACTIONS = ['come', 'end', 'aside', 'back', 'asked', 'answered', 'break', 'time'] as const;
const steps = fc.array(
  fc.record({ what: fc.constantFrom(...ACTIONS), server: fc.nat(1), at: fc.nat(20) }),
  { maxLength: 60 },
);

test('whatever calls do, no place is lost', async () => {
  const step = async (
    { what, server, at }: { what: (typeof ACTIONS)[number]; server: number; at: number },
    world: { gate: ExecutionGate; servers: readonly GuardedServer[]; calls: TestCall[] },
  ): Promise<void> => {
    const { gate, servers, calls } = world;
    const to = servers[server];
    const call = calls.filter(({ settled: isOver }) => !isOver)[at];
    if (what === 'come' && to !== undefined)
      calls.push(run(gate, to, { isRepeatable: () => at % 2 === 0 }));
    else if (what === 'time') await pass(400);
    else if (call !== undefined && call.runs) {
      if (what === 'end') call.end();
      else if (what === 'break') call.breaks();
      else if (what === 'aside') call.gate?.stepAside();
      else if (what === 'back') call.gate?.goOn(() => undefined);
      else call.gate?.waitsForClient(what === 'asked');
    } else if (what === 'end') call?.end();
  };
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const gate = gateOf({ concurrencyMax: 3, queueTimeoutMs: 2_000 });
      const servers = [serverOf({ concurrencyMax: 2, retry: POLICY }, 'a'), serverOf({}, 'b')];
      const calls: TestCall[] = [];
      for (const each of all) {
        await step(each, { gate, servers, calls });
        await settled();
      }
      for (const call of calls) if (!call.settled) call.end();
      await settled();
      expect(servers.map((server) => gate.queuedOf(server))).toEqual([0, 0]);
      const [a, b] = servers;
      assert(a !== undefined && b !== undefined);
      const fresh = [a, a, b, b, a].map((server) => run(gate, server).runs);
      expect(fresh).toEqual([true, true, true, false, false]);
    }),
  );
});
