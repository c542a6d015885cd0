import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FailoverEvent } from './failover-events.ts';
import { failoverOf, type Failover, type FailoverCommand } from './failover.ts';

const NOW = 1_000_000;
const pair = { backup: 'spare', autoFailback: true, failbackDelayMs: 30_000 };
const decider = failoverOf('main', pair);

const COMMANDS: Record<FailoverCommand['type'], FailoverCommand> = {
  degraded: { type: 'degraded', factId: 'new', reason: 'it broke', nowMs: NOW },
  runs: { type: 'runs', factId: 'new', nowMs: NOW },
  stopped: { type: 'stopped', factId: 'new', nowMs: NOW },
  due: { type: 'due', nowMs: NOW },
  resumed: { type: 'resumed', isDegraded: true, nowMs: NOW },
};

const under = { backup: 'spare', reason: 'x', dueAtMs: NOW, handled: ['old'] };
const STATES: Record<Failover['phase'], Failover> = {
  idle: decider.initial,
  active: { phase: 'active', ...under },
  failing_back: { phase: 'failing_back', ...under },
};

/** The phase after each command in each phase; what is waited for is due. */
const TABLE: Record<Failover['phase'], Record<FailoverCommand['type'], Failover['phase']>> = {
  idle: { degraded: 'active', runs: 'idle', stopped: 'idle', due: 'idle', resumed: 'idle' },
  active: {
    degraded: 'active',
    runs: 'failing_back',
    stopped: 'idle',
    due: 'idle',
    resumed: 'active',
  },
  failing_back: {
    degraded: 'active',
    runs: 'failing_back',
    stopped: 'idle',
    due: 'idle',
    resumed: 'failing_back',
  },
};

const eventsOf = (
  command: FailoverCommand,
  state: Failover,
  by = decider,
): readonly FailoverEvent[] => {
  const decided = by.decide(command, state);
  if (!decided.ok) throw new Error('a failover refuses nothing');
  return decided.value;
};
const apply = (state: Failover, command: FailoverCommand, by = decider): Failover =>
  eventsOf(command, state, by).reduce(by.evolve, state);

const phases = Object.keys(TABLE) as Failover['phase'][];
const types = Object.keys(COMMANDS) as FailoverCommand['type'][];

test.each(
  phases.flatMap((phase) => types.map((type) => [phase, type, TABLE[phase][type]] as const)),
)('a failover that is %s is, after "%s": %s', (phase, type, after) => {
  expect(apply(STATES[phase], COMMANDS[type]).phase).toBe(after);
});

describe('a server that runs again', () => {
  test('gets its calls back after the delay, and not where it fails before that', () => {
    const back = apply(STATES.active, COMMANDS.runs);
    expect(back.dueAtMs).toBe(NOW + 30_000);
    expect(apply(back, { type: 'due', nowMs: NOW + 29_999 }).phase).toBe('failing_back');
    expect(apply(back, { type: 'due', nowMs: NOW + 30_000 }).phase).toBe('idle');
    const again = { ...COMMANDS.degraded, factId: 'another' } as FailoverCommand;
    expect(apply(back, again).phase).toBe('active');
  });

  test('gets them back by a person only where the configuration says so', () => {
    const byHand = failoverOf('main', { ...pair, autoFailback: false });
    const active = apply(byHand.initial, COMMANDS.degraded, byHand);
    expect(active.dueAtMs).toBe(0);
    const runs = { ...COMMANDS.runs, factId: 'another' } as FailoverCommand;
    expect(apply(active, runs, byHand).phase).toBe('active');
    const stopped = { ...COMMANDS.stopped, factId: 'last' } as FailoverCommand;
    expect(apply(active, stopped, byHand).phase).toBe('idle');
  });
});

test.each([
  ['active', 3_600_000],
  ['failing_back', 30_000],
] as const)(
  'one that is %s does not wait for the time of a clock that was set back',
  (phase, ms) => {
    const at = (dueAtMs: number): Failover => ({ ...STATES[phase], dueAtMs });
    expect(apply(at(NOW + ms), COMMANDS.due).phase).toBe(phase);
    expect(apply(at(NOW + ms + 1), COMMANDS.due).phase).toBe('idle');
  },
);

test('a server without a backup begins none', () => {
  const alone = failoverOf('main', undefined);
  expect(eventsOf(COMMANDS.degraded, alone.initial, alone)).toEqual([]);
});

test('a fact that was handled does nothing when it comes again', () => {
  for (const type of ['degraded', 'runs', 'stopped'] as const) {
    const again = { ...COMMANDS[type], factId: 'old' } as FailoverCommand;
    for (const state of [STATES.active, STATES.failing_back])
      expect(eventsOf(again, state)).toEqual([]);
  }
});

describe('after a restart', () => {
  const resumed = (isDegraded: boolean | undefined): FailoverCommand => ({
    type: 'resumed',
    isDegraded,
    nowMs: NOW,
  });

  test('a server that ran when the gateway ended is waited for once more', () => {
    expect(apply(STATES.active, resumed(false))).toMatchObject({
      phase: 'failing_back',
      dueAtMs: NOW + 30_000,
    });
  });

  test('a pair that is not configured any more is over', () => {
    expect(apply(STATES.active, resumed(undefined)).phase).toBe('idle');
    const other = failoverOf('main', { ...pair, backup: 'another' });
    expect(apply(STATES.active, resumed(true), other).phase).toBe('idle');
  });
});

const step = fc.record({
  type: fc.constantFrom(...types),
  passMs: fc.integer({ min: -1_000, max: 400_000 }),
  factId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  isDegraded: fc.constantFrom(true, false, undefined),
});
const RUNS = 20_000;

test('20,000 random sequences: a time for all that does not end otherwise, replay gives the state', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      let state = decider.initial;
      let nowMs = NOW;
      const log: FailoverEvent[] = [];
      for (const { passMs, ...rest } of steps) {
        nowMs += passMs;
        const events = eventsOf({ reason: 'x', nowMs, ...rest } as FailoverCommand, state);
        state = events.reduce(decider.evolve, state);
        log.push(...events);
        if ((state.phase === 'idle') !== (state.dueAtMs === 0)) throw new Error('no time');
        const later = { type: 'due', nowMs: state.dueAtMs } as const;
        if (apply(state, later).phase !== 'idle') throw new Error('calls stay away for ever');
      }
      expect(log.reduce(decider.evolve, decider.initial)).toEqual(state);
    }),
    { numRuns: RUNS },
  );
});
