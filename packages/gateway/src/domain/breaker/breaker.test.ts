import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { breakerOf, type Breaker, type BreakerCommand, type BreakerPolicy } from './breaker.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { BreakerPhase, BreakerStateChanged } from './events.ts';

const NOW = 1_000_000;
const RESET_MS = 60_000;
const policy: BreakerPolicy = {
  failureThreshold: 3,
  resetTimeoutMs: RESET_MS,
  probeCount: 1,
  window: undefined,
};
const decider = breakerOf(policy);

const COMMANDS: Record<BreakerCommand['type'], BreakerCommand> = {
  admit: { type: 'admit', nowMs: NOW, waitMs: 0 },
  succeeded: { type: 'succeeded', beganAtMs: NOW, nowMs: NOW, tooMuch: undefined },
  failed: {
    type: 'failed',
    beganAtMs: NOW,
    nowMs: NOW,
    reason: 'timeout',
    tooMuch: undefined,
  },
  reset: { type: 'reset', nowMs: NOW },
};

const STATES: Record<BreakerPhase, Breaker> = {
  closed: { ...decider.initial, failures: 2 },
  open: { ...decider.initial, phase: 'open', sinceMs: NOW - RESET_MS, trips: 1, reason: 'x' },
  half_open: { ...decider.initial, phase: 'half_open', sinceMs: NOW, trips: 1, reason: 'x' },
};

/** The phase after each command in each phase; the open one is due. */
const TABLE: Record<BreakerPhase, Record<BreakerCommand['type'], BreakerPhase>> = {
  closed: { admit: 'closed', succeeded: 'closed', failed: 'open', reset: 'closed' },
  open: { admit: 'half_open', succeeded: 'open', failed: 'open', reset: 'closed' },
  half_open: { admit: 'half_open', succeeded: 'closed', failed: 'open', reset: 'closed' },
};

const apply = (state: Breaker, command: BreakerCommand, by = decider): Breaker | 'refused' => {
  const decided = by.decide(command, state);
  return decided.ok ? decided.value.reduce(by.evolve, state) : 'refused';
};
const phaseOf = (state: Breaker | 'refused'): string => (state === 'refused' ? state : state.phase);

const phases = Object.keys(TABLE) as BreakerPhase[];
const types = Object.keys(COMMANDS) as BreakerCommand['type'][];

test.each(
  phases.flatMap((phase) => types.map((type) => [phase, type, TABLE[phase][type]] as const)),
)('a breaker that is %s is, after "%s": %s', (phase, type, after) => {
  expect(phaseOf(apply(STATES[phase], COMMANDS[type]))).toBe(after);
});

test('an open one refuses until the reset timeout is over, and says what opened it', () => {
  const open = { ...STATES.open, sinceMs: NOW - 20_000 };
  expect(decider.decide(COMMANDS.admit, open)).toEqual({
    ok: false,
    error: { waitMs: 40_000, reason: 'x' },
  });
});

test('one that opened in the future did so before the clock was set back, and is tried', () => {
  const open = { ...STATES.open, sinceMs: NOW + 3_600_000 };
  expect(phaseOf(apply(open, COMMANDS.admit))).toBe('half_open');
});

/** One in memory, with a clock. */
function running(change: Partial<BreakerPolicy> = {}): {
  readonly breaker: CircuitBreaker;
  readonly changes: BreakerStateChanged[];
  readonly clock: { now: number };
  readonly fail: (times?: number) => void;
} {
  const changes: BreakerStateChanged[] = [];
  const breaker = new CircuitBreaker({
    policy: { ...policy, ...change },
    restored: undefined,
    onChange: (event) => void changes.push(event),
  });
  const clock = { now: NOW };
  const fail = (times = 1): void => {
    for (let at = 0; at < times; at += 1) breaker.failed('timeout', clock.now, clock.now);
  };
  return { breaker, changes, clock, fail };
}

describe('a breaker', () => {
  test('opens at the threshold, half-opens, closes on success, and counts its trips', () => {
    const { breaker, changes, clock, fail } = running();
    fail(2);
    expect(breaker.admit({}, clock.now)).toBeUndefined();
    fail();
    expect(breaker.admit({}, clock.now)?.reason).toBe('3 failures in a row, the last one: timeout');
    clock.now += RESET_MS;
    expect(breaker.admit({}, clock.now)).toBeUndefined();
    breaker.succeeded(clock.now, clock.now + 5);
    const seen = changes.map(({ data }) => [data.old_state, data.new_state, data.trips]);
    expect(seen).toEqual([
      ['closed', 'open', 1],
      ['open', 'half_open', 1],
      ['half_open', 'closed', 1],
    ]);
  });

  test('counts failures in a row only', () => {
    const { breaker, clock, fail } = running();
    for (let at = 0; at < 10; at += 1) {
      fail(2);
      breaker.succeeded(clock.now, clock.now);
    }
    expect(breaker.state.phase).toBe('closed');
  });

  test('lets one probe through, and a failed one opens it again', () => {
    const { breaker, clock, fail } = running();
    fail(3);
    clock.now += RESET_MS;
    const probe = { settled: false };
    expect(breaker.admit(probe, clock.now)).toBeUndefined();
    expect(breaker.admit(probe, clock.now)).toBeUndefined(); // the same once more
    expect(breaker.admit({}, clock.now)).toMatchObject({ waitMs: RESET_MS });
    breaker.failed('timeout', clock.now, clock.now + 1);
    expect(breaker.state).toMatchObject({ phase: 'open', trips: 2 });
  });

  test('makes room where a probe ended without a result, or is not heard of', () => {
    const { breaker, clock, fail } = running();
    fail(3);
    clock.now += RESET_MS;
    const probe = { settled: false };
    breaker.admit(probe, clock.now);
    probe.settled = true;
    expect(breaker.admit({}, clock.now)).toBeUndefined();
    expect(breaker.admit({}, clock.now + RESET_MS - 1)).toBeDefined();
    expect(breaker.admit({}, clock.now + RESET_MS)).toBeUndefined();
  });

  test('with several probes closes after as many successes', () => {
    const { breaker, clock, fail } = running({ probeCount: 2 });
    fail(3);
    clock.now += RESET_MS;
    expect(breaker.admit({}, clock.now)).toBeUndefined();
    expect(breaker.admit({}, clock.now)).toBeUndefined();
    expect(breaker.admit({}, clock.now)).toBeDefined();
    breaker.succeeded(clock.now, clock.now);
    expect(breaker.state.phase).toBe('half_open');
    breaker.succeeded(clock.now, clock.now);
    expect(breaker.state.phase).toBe('closed');
  });

  test('hears nothing of what began before its phase', () => {
    const { breaker, clock, fail } = running();
    fail(3);
    const { now } = clock;
    clock.now += RESET_MS;
    breaker.admit({}, clock.now);
    breaker.failed('late', now, clock.now);
    breaker.succeeded(now, clock.now);
    expect(breaker.state.phase).toBe('half_open');
  });

  test('is closed by a person', () => {
    const { breaker, clock, fail } = running();
    fail(3);
    breaker.reset(clock.now);
    expect(breaker.state).toMatchObject({ phase: 'closed', failures: 0, trips: 1 });
    expect(breaker.admit({}, clock.now)).toBeUndefined();
  });
});

const window = {
  windowMs: 10_000,
  callsMin: 4,
  errorRatePct: 50,
  slowCallMs: undefined,
  slowRatePct: 100,
};

describe('a breaker with a window', () => {
  test('opens where half of the calls within it fail, however they come', () => {
    const { breaker, clock, fail } = running({ failureThreshold: 100, window });
    for (let at = 0; at < 2; at += 1) {
      breaker.succeeded(clock.now, clock.now);
      fail();
    }
    expect(breaker.state).toMatchObject({
      phase: 'open',
      reason: '2 of 4 calls in 10 s failed',
    });
  });

  test('forgets what is older, and says nothing of few calls', () => {
    const { breaker, clock, fail } = running({ failureThreshold: 100, window });
    fail(3);
    clock.now += 11_000;
    fail(3);
    expect(breaker.state.phase).toBe('closed');
  });

  test.each([10_000, 10_999, 20_000])('has forgotten after %s ms, in every bucket', (passMs) => {
    const { breaker, clock, fail } = running({ failureThreshold: 100, window });
    fail(3);
    clock.now += passMs;
    fail(3);
    expect(breaker.state.phase).toBe('closed');
    fail();
    expect(breaker.state.reason).toBe('4 of 4 calls in 10 s failed');
  });

  test('forgets what it counted before the clock was set back', () => {
    const { breaker, clock, fail } = running({ failureThreshold: 100, window });
    fail(3);
    clock.now -= 3_600_000;
    fail(3);
    clock.now += 3_600_000;
    fail(3);
    expect(breaker.state.phase).toBe('closed');
  });

  test('goes on counting where the clock was corrected by a little', () => {
    const { breaker, clock, fail } = running({ failureThreshold: 100, window });
    clock.now += 1_000 - (clock.now % 1_000); // the first moment of a bucket
    fail(2);
    clock.now -= 1;
    fail(2);
    expect(breaker.state.reason).toBe('4 of 4 calls in 10 s failed');
  });

  test('does not count what began before it was closed', () => {
    const { breaker, clock, fail } = running({ failureThreshold: 100, window });
    fail(4);
    breaker.reset((clock.now += 1_000));
    for (let at = 0; at < 8; at += 1) breaker.failed('late', clock.now - 500, clock.now);
    expect(breaker.state).toMatchObject({ phase: 'closed', failures: 0 });
  });

  test('opens where calls are slow, although they succeed', () => {
    const slow = { ...window, errorRatePct: undefined, slowCallMs: 500, slowRatePct: 75 };
    const { breaker, clock } = running({ window: slow });
    breaker.succeeded(clock.now, clock.now + 10);
    for (let at = 0; at < 3; at += 1) breaker.succeeded(clock.now, clock.now + 500);
    expect(breaker.state.reason).toBe('3 of 4 calls in 10 s took 500 ms or longer');
  });
});

const LEGAL: Record<BreakerPhase, readonly BreakerPhase[]> = {
  closed: ['open', 'closed'], // a reset forgets failures
  open: ['half_open', 'closed'],
  half_open: ['open', 'closed'],
};

const step = fc.record({
  type: fc.constantFrom('admit', 'settle', 'succeeded', 'failed', 'reset'),
  passMs: fc.integer({ min: -5_000, max: RESET_MS }),
  agoMs: fc.integer({ min: 0, max: 70_000 }),
  which: fc.nat({ max: 5 }),
});
const RUNS = 20_000;

test('20,000 random sequences: legal changes, the last of them gives the state, and no lock-out', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (steps, probeCount, hasWindow) => {
        const { breaker, changes, clock } = running({
          failureThreshold: 2,
          probeCount,
          window: hasWindow ? window : undefined,
        });
        const works: { settled: boolean }[] = [];
        for (const { type, passMs, agoMs, which } of steps) {
          clock.now += passMs;
          const work = works[which];
          if (type === 'settle' && work !== undefined) work.settled = true;
          if (type === 'succeeded') breaker.succeeded(clock.now - agoMs, clock.now);
          if (type === 'failed') breaker.failed('x', clock.now - agoMs, clock.now);
          if (type === 'reset') breaker.reset(clock.now);
          if (type !== 'admit') continue;
          const next = { settled: false };
          const open = breaker.admit(next, clock.now);
          if (open === undefined) works.push(next);
          else if (open.waitMs > RESET_MS) throw new Error('locked out');
        }
        let phase: BreakerPhase = 'closed';
        for (const { data } of changes) {
          if (data.old_state !== phase || !LEGAL[phase].includes(data.new_state))
            throw new Error('an illegal change');
          phase = data.new_state;
        }
        const last = changes.slice(-1).reduce(decider.evolve, decider.initial);
        const { trips, sinceMs, reason } = last;
        expect(breaker.state).toMatchObject({ phase, trips, sinceMs, reason });
        // What a refused call is told to wait is enough, also where the clock was set back a little.
        const refused = breaker.admit({}, clock.now);
        if (refused === undefined) return;
        const { waitMs } = refused;
        expect(waitMs).toBeLessThanOrEqual(RESET_MS);
        expect(breaker.admit({}, clock.now + waitMs)).toBeUndefined();
      },
    ),
    { numRuns: RUNS },
  );
});
