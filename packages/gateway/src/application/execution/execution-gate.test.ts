import { Fault } from '@mcp-hangar/kernel/errors';
import fc from 'fast-check';
import { assert, describe, expect, it, test, vi } from 'vitest';
import {
  gateOf,
  POLICY,
  QUEUE_TIMEOUT_MS,
  run,
  serverOf,
  StoppedTime,
  TestCall,
} from '../../../test-kit/gate-world.ts';
import { settled, specOf } from '../../../test-kit/scripted-launcher.ts';
import { NO_LIMITS } from '../../domain/execution/settings.ts';
import type { ExecutionGate } from './execution-gate.ts';
import type { GuardedServer } from './guarded-call.ts';

const time = StoppedTime.forTests();

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
    await time.pass(QUEUE_TIMEOUT_MS + 200);
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

  it('is waited for by no more than may wait when a server has started for many', async () => {
    const gate = gateOf({ queueMax: 1 });
    const server = serverOf({ concurrencyMax: 1 });
    const calls = Array.from({ length: 4 }, () => {
      const call = run(gate, server);
      call.gate?.stepAside();
      return call;
    });
    await settled();
    expect(calls.every(({ runs }) => runs)).toBe(true);
    const went: number[] = [];
    for (const [index, call] of calls.entries()) call.gate?.goOn(() => void went.push(index));
    await settled();
    expect(calls.map(({ error }) => error !== undefined)).toEqual([false, false, true, true]);
    expect(calls[2]?.fault.data?.['limit']).toBe('mcp_servers.up.max_concurrency');
    expect(went).toEqual([2, 3, 0]);
    expect(gate.queuedOf(server)).toBe(1);
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
    const went = vi.fn<() => void>();
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
    const went = vi.fn<() => void>();
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
    await time.pass(500);
    expect(run(gate, server).runs).toBe(true);
  });

  it('forgets one where there are too many', () => {
    const gate = gateOf({ principalRateLimit: { perSecond: 0.001, burst: 1 } });
    const server = serverOf();
    for (let n = 0; n < 10_001; n += 1) run(gate, server, { principal: `p${n}` });
    expect(gate.rateUse.activeBuckets).toBe(10_000);
    expect(run(gate, server, { principal: 'p0' }).runs).toBe(true);
    expect(run(gate, server, { principal: 'p10000' }).fault.code).toBe('RATE_LIMITED');
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
    else if (what === 'time') await time.pass(400);
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
