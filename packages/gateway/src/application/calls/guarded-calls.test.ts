/** A call of a legacy client with limits and a policy configured, at a scripted server of the modern era. */
import { afterEach, describe, expect, test } from 'vitest';
import { StoppedTime } from '../../../test-kit/gate-world.ts';
import {
  asks,
  codeOf,
  finishes,
  legacyWorld,
  sent,
  type LegacyWorld,
} from '../../../test-kit/legacy-world.ts';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { STANDARD_RETRY } from '../../domain/execution/retry-policy.ts';
import type { ServerExecution } from '../../domain/execution/settings.ts';

const FORM = {
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
};
const ACCEPTED = '"result":{"action":"accept","content":{}}';

const time = StoppedTime.forTests();
let worlds: LegacyWorld[] = [];
afterEach(async () => {
  await Promise.all(worlds.map(({ hub }) => hub.close()));
  worlds = [];
});

async function wait(ms: number): Promise<void> {
  await settled();
  await time.pass(ms);
  await settled();
}

function openWorld(execution: Partial<ServerExecution>, callTimeoutMs = 60_000): LegacyWorld {
  const none = { concurrencyMax: Number.POSITIVE_INFINITY, rateLimit: undefined };
  const all = { ...none, toolRateLimits: [], retry: undefined, ...execution };
  const world = legacyWorld({
    spec: { execution: all, callTimeoutMs },
    nowMs: () => 1_000 + time.nowMs,
  });
  worlds.push(world);
  return world;
}
const RETRY = { ...STANDARD_RETRY, attemptsMax: 3, jitter: 0, sentAgain: 'all' as const };

describe('A place', () => {
  test('is free while a modern server has forgotten the call and its client is asked', async () => {
    const world = openWorld({ concurrencyMax: 1 });
    const first = await world.call();
    const second = await world.call();
    const child = world.child();
    expect(sent(child)).toHaveLength(1);
    await asks(child, { who: FORM });
    expect(sent(child)).toHaveLength(2);
    await world.answer(1, ACCEPTED);
    expect(sent(child)).toHaveLength(3);
    await finishes(child);
    expect([first.ends.length, second.ends.length]).toEqual([1, 0]);
  });
});

describe('A call whose server ends', () => {
  test('goes to the next child, and is one call to its client and in the record', async () => {
    const world = openWorld({ retry: RETRY });
    const heard = await world.call();
    const first = world.child();
    first.crash();
    await wait(1_000);
    expect(world.child()).not.toBe(first);
    expect(sent(world.child())).toHaveLength(1);
    await finishes(world.child());
    expect(heard.ends).toHaveLength(1);
    expect(world.records.map(({ ending }) => [ending.outcome, ending.durationMs])).toEqual([
      ['answered', 1_000],
    ]);
  });

  test('is not tried again when its client has given up, was asked, or the server was stopped', async () => {
    const cancelled = openWorld({ retry: RETRY });
    await cancelled.call();
    cancelled.child().crash();
    cancelled.notify('notifications/cancelled', { requestId: 'c' });
    await wait(5_000);
    expect(cancelled.launcher.connections).toHaveLength(1);

    const asked = openWorld({ retry: RETRY });
    const heard = await asked.call();
    await asks(asked.child(), { who: FORM });
    await asked.answer(1, ACCEPTED);
    asked.child().crash();
    await settled();
    expect(codeOf(heard)).toBe('UPSTREAM_ENDED');

    const stopped = openWorld({ retry: RETRY });
    const call = await stopped.call();
    await stopped.hub.fleet.servers[0]?.stop('user_request');
    expect(codeOf(call)).toBe('UPSTREAM_ENDED');
  });
});

describe('A call that its server does not answer', () => {
  test('is given up there and sent again after the time of an attempt', async () => {
    const world = openWorld({ retry: { ...RETRY, attemptTimeoutMs: 5_000 } });
    const heard = await world.call();
    for (let second = 0; second < 7; second += 1) await wait(1_000);
    expect(world.child().cancelled).toHaveLength(1);
    await wait(1_000);
    expect(sent(world.child()).length).toBeGreaterThanOrEqual(2);
    await finishes(world.child());
    expect(heard.ends).toHaveLength(1);
  });

  test('is not where the time of the call is over with it', async () => {
    const world = openWorld({ retry: RETRY }, 5_000);
    const heard = await world.call();
    for (let second = 0; second < 7; second += 1) await wait(1_000);
    expect(codeOf(heard)).toBe('CALL_TIMED_OUT');
    expect(sent(world.child())).toHaveLength(1);
  });
});
