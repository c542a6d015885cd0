import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecoveryEvent } from './recovery-events.ts';
import {
  RECOVERY_ATTEMPTS_MAX,
  recoveryOf,
  type Recovery,
  type RecoveryCommand,
} from './recovery.ts';

const NOW = 1_000_000;
const decider = recoveryOf('files');

const COMMANDS: Record<RecoveryCommand['type'], RecoveryCommand> = {
  degraded: { type: 'degraded', factId: 'new', reason: 'it broke', nowMs: NOW, waitMs: 0 },
  cleared: { type: 'cleared', factId: 'new' },
  stopped: { type: 'stopped', factId: 'new' },
  due: { type: 'due', nowMs: NOW },
  postponed: { type: 'postponed', attempt: 2, waitMs: 3_000, nowMs: NOW },
  'attempt-failed': { type: 'attempt-failed', attempt: 2, reason: 'it broke', nowMs: NOW },
  resumed: { type: 'resumed', degradedBy: 'it broke', nowMs: NOW },
};

const STATES: Record<Recovery['phase'], Recovery> = {
  idle: decider.initial,
  waiting: { phase: 'waiting', attempt: 2, dueAtMs: NOW, reason: 'x', handled: ['old'] },
  trying: { phase: 'trying', attempt: 2, dueAtMs: 0, reason: 'x', handled: ['old'] },
};

/** The phase after each command in each phase; what is waited for is due. */
const TABLE: Record<Recovery['phase'], Record<RecoveryCommand['type'], Recovery['phase']>> = {
  idle: {
    degraded: 'waiting',
    cleared: 'idle',
    stopped: 'idle',
    due: 'idle',
    postponed: 'idle',
    'attempt-failed': 'idle',
    resumed: 'waiting',
  },
  waiting: {
    degraded: 'waiting',
    cleared: 'idle',
    stopped: 'idle',
    due: 'trying',
    postponed: 'waiting',
    'attempt-failed': 'waiting',
    resumed: 'waiting',
  },
  trying: {
    degraded: 'waiting',
    cleared: 'idle',
    stopped: 'idle',
    due: 'trying',
    postponed: 'waiting',
    'attempt-failed': 'waiting',
    resumed: 'waiting',
  },
};

const eventsOf = (command: RecoveryCommand, state: Recovery): readonly RecoveryEvent[] => {
  const decided = decider.decide(command, state);
  if (!decided.ok) throw new Error('a recovery refuses nothing');
  return decided.value;
};
const apply = (state: Recovery, command: RecoveryCommand): Recovery =>
  eventsOf(command, state).reduce(decider.evolve, state);

const phases = Object.keys(TABLE) as Recovery['phase'][];
const types = Object.keys(COMMANDS) as RecoveryCommand['type'][];

test.each(
  phases.flatMap((phase) => types.map((type) => [phase, type, TABLE[phase][type]] as const)),
)('a recovery that is %s is, after "%s": %s', (phase, type, after) => {
  expect(apply(STATES[phase], COMMANDS[type]).phase).toBe(after);
});

describe('a server that stays degraded', () => {
  test('is tried after 5, 10 and 20 s, then given up', () => {
    let state = decider.initial;
    let nowMs = NOW;
    const waits: number[] = [];
    const told: string[] = [];
    for (let at = 0; at < 4; at += 1) {
      const degraded = { factId: `fact ${at}`, reason: 'it broke', nowMs, waitMs: 0 };
      const events = eventsOf({ type: 'degraded', ...degraded }, state);
      state = events.reduce(decider.evolve, state);
      told.push(...events.map(({ type, data }) => ('outcome' in data ? data.outcome : type)));
      if (state.phase === 'waiting') waits.push(state.dueAtMs - nowMs);
      nowMs = state.dueAtMs;
      state = apply(state, { type: 'due', nowMs });
    }
    expect(waits).toEqual([5_000, 10_000, 20_000]);
    expect(told.at(-1)).toBe('gave_up');
    expect(state).toMatchObject({ phase: 'idle', attempt: 0 });
  });

  test('is not tried before its back-off is over', () => {
    const degraded = { ...COMMANDS.degraded, waitMs: 8_000 } as RecoveryCommand;
    expect(apply(decider.initial, degraded).dueAtMs).toBe(NOW + 8_000);
    expect(apply(STATES.trying, COMMANDS.postponed)).toMatchObject({
      attempt: 2,
      dueAtMs: NOW + 3_000,
    });
  });

  test('is tried at the latest after the longest back-off, also where the clock was set back', () => {
    const at = (dueAtMs: number): Recovery => ({ ...STATES.waiting, dueAtMs });
    expect(apply(at(NOW + 66_000), COMMANDS.due).phase).toBe('waiting');
    expect(apply(at(NOW + 66_001), COMMANDS.due).phase).toBe('trying');
  });

  test.each(['capability_violation: egress', 'detection_enforcement: block'])(
    'because of "%s" is left alone, also after a restart',
    (reason) => {
      const degraded = { ...COMMANDS.degraded, reason } as RecoveryCommand;
      expect(eventsOf(degraded, decider.initial)).toMatchObject([{ data: { outcome: 'skipped' } }]);
      expect(
        eventsOf({ type: 'resumed', degradedBy: reason, nowMs: NOW }, decider.initial),
      ).toEqual([]);
    },
  );
});

test('a fact that was handled does nothing when it comes again', () => {
  for (const type of ['degraded', 'cleared', 'stopped'] as const) {
    for (const state of [STATES.waiting, STATES.trying]) {
      const again = { ...COMMANDS[type], factId: 'old' } as RecoveryCommand;
      expect(eventsOf(again, state)).toEqual([]);
    }
  }
  const once = apply(decider.initial, COMMANDS.degraded);
  const over = apply(once, { type: 'cleared', factId: 'later' });
  expect(eventsOf(COMMANDS.degraded, over)).toEqual([]);
});

describe('after a restart', () => {
  test('what was waited for is still waited for, and what was under way is tried again', () => {
    expect(apply(STATES.waiting, COMMANDS.resumed)).toEqual(STATES.waiting);
    expect(apply(STATES.trying, COMMANDS.resumed)).toMatchObject({
      attempt: 2,
      dueAtMs: NOW + 5_000,
    });
  });

  test('what is not degraded any more needs nothing', () => {
    const resumed: RecoveryCommand = { type: 'resumed', degradedBy: undefined, nowMs: NOW };
    for (const state of Object.values(STATES)) expect(apply(state, resumed).phase).toBe('idle');
  });
});

const step = fc.record({
  type: fc.constantFrom(...types),
  passMs: fc.integer({ min: -1_000, max: 40_000 }),
  factId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  attempt: fc.integer({ min: 1, max: RECOVERY_ATTEMPTS_MAX }),
  waitMs: fc.integer({ min: 0, max: 60_000 }),
  isDegraded: fc.boolean(),
});
const RUNS = 20_000;

test('20,000 random sequences: bounded attempts, a time for all that waits, replay gives the state', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      let state = decider.initial;
      let nowMs = NOW;
      const log: RecoveryEvent[] = [];
      for (const { type, passMs, isDegraded, ...rest } of steps) {
        nowMs += passMs;
        const degradedBy = isDegraded ? 'x' : undefined;
        const command = { type, reason: 'x', degradedBy, nowMs, ...rest } as RecoveryCommand;
        const events = eventsOf(command, state);
        state = events.reduce(decider.evolve, state);
        log.push(...events);
        if (state.attempt > RECOVERY_ATTEMPTS_MAX) throw new Error('too many attempts');
        if ((state.phase === 'waiting') !== state.dueAtMs > 0) throw new Error('no time');
        // Whatever it waits for comes.
        const later = { type: 'due', nowMs: state.dueAtMs } as const;
        if (state.phase === 'waiting' && apply(state, later).phase !== 'trying')
          throw new Error('it waits for ever');
      }
      expect(log.reduce(decider.evolve, decider.initial)).toEqual(state);
    }),
    { numRuns: RUNS },
  );
});
