import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { McpServerPhase } from './health.ts';
import { lifecycleOf, type LifecycleCommand } from './lifecycle.ts';
import type { Lifecycle } from './lifecycle-state.ts';

const FAILURES_MAX = 3;
const BACKOFF_MS_MAX = 66_000;
const decider = lifecycleOf('files', FAILURES_MAX);

const NOW = 1_000_000;
const failure = { reason: 'it broke', nowMs: NOW, random: 0.5, isCounted: true };

const COMMANDS: Record<LifecycleCommand['type'], LifecycleCommand> = {
  start: { type: 'start', nowMs: NOW },
  forgive: { type: 'forgive', childrenLeft: 0 },
  started: { type: 'started', mode: 'subprocess', era: 'legacy', durationMs: 5, toolsCount: 2 },
  'start-failed': { type: 'start-failed', childrenLeft: 0, startsLeft: 0, ...failure },
  'child-ended': { type: 'child-ended', childrenLeft: 0, hasAnswered: true, ...failure },
  'call-failed': { type: 'call-failed', ...failure },
  answered: { type: 'answered' },
  'probe-passed': { type: 'probe-passed', durationMs: 3 },
  'probe-failed': { type: 'probe-failed', ...failure },
  stopped: { type: 'stopped', reason: 'idle' },
};

const STATES: Record<McpServerPhase, Lifecycle> = {
  cold: decider.initial,
  initializing: { ...decider.initial, phase: 'initializing' },
  ready: { ...decider.initial, phase: 'ready' },
  degraded: {
    ...decider.initial,
    phase: 'degraded',
    failures: 3,
    retryAtMs: NOW + 8_000,
    lastFailure: 'x',
    failedBy: 'call',
  },
  dead: {
    ...decider.initial,
    phase: 'dead',
    failures: 1,
    retryAtMs: NOW + 2_000,
    lastFailure: 'x',
    failedBy: 'start',
  },
};

type Outcome = McpServerPhase | 'same' | 'refused';

/** The phase after each command in each phase; `same` may still note facts. */
const TABLE: Record<McpServerPhase, Record<LifecycleCommand['type'], Outcome>> = {
  cold: {
    start: 'initializing',
    forgive: 'same',
    started: 'ready',
    'start-failed': 'same',
    'child-ended': 'same',
    'call-failed': 'same',
    answered: 'same',
    'probe-passed': 'same',
    'probe-failed': 'same',
    stopped: 'same',
  },
  initializing: {
    start: 'same',
    forgive: 'same',
    started: 'ready',
    'start-failed': 'dead',
    'child-ended': 'same',
    'call-failed': 'same',
    answered: 'same',
    'probe-passed': 'same',
    'probe-failed': 'same',
    stopped: 'cold',
  },
  ready: {
    start: 'same',
    forgive: 'same',
    started: 'same',
    'start-failed': 'dead',
    'child-ended': 'dead',
    'call-failed': 'same',
    answered: 'same',
    'probe-passed': 'same',
    'probe-failed': 'same',
    stopped: 'cold',
  },
  degraded: {
    start: 'refused',
    forgive: 'cold',
    started: 'ready',
    'start-failed': 'same',
    'child-ended': 'same',
    'call-failed': 'same',
    answered: 'ready',
    'probe-passed': 'ready',
    'probe-failed': 'same',
    stopped: 'same',
  },
  dead: {
    start: 'refused',
    forgive: 'cold',
    started: 'ready',
    'start-failed': 'same',
    'child-ended': 'same',
    'call-failed': 'same',
    answered: 'same',
    'probe-passed': 'same',
    'probe-failed': 'same',
    stopped: 'same',
  },
};

const apply = (state: Lifecycle, command: LifecycleCommand): Lifecycle | 'refused' => {
  const decided = decider.decide(command, state);
  return decided.ok ? decided.value.reduce(decider.evolve, state) : 'refused';
};

const phases = Object.keys(TABLE) as McpServerPhase[];
const types = Object.keys(COMMANDS) as LifecycleCommand['type'][];

test.each(
  phases.flatMap((phase) => types.map((type) => [phase, type, TABLE[phase][type]] as const)),
)('a server that is %s is, after "%s": %s', (phase, type, outcome) => {
  const after = apply(STATES[phase], COMMANDS[type]);
  const seen = after === 'refused' ? after : after.phase;
  expect(seen).toBe(outcome === 'same' ? phase : outcome);
});

const run = (...commands: readonly LifecycleCommand[]): Lifecycle => {
  let state = decider.initial;
  for (const command of commands) {
    const next = apply(state, command);
    if (next === 'refused') throw new Error(`${command.type} is refused in ${state.phase}`);
    state = next;
  }
  return state;
};
const at = (type: LifecycleCommand['type'], change: object): LifecycleCommand =>
  ({ ...COMMANDS[type], ...change }) as LifecycleCommand;
const { start, started, answered } = COMMANDS;

describe('failures', () => {
  test('of starts wait 2, 4, 8 … seconds, and the third degrades the server', () => {
    const waits: unknown[] = [];
    let state = decider.initial;
    let nowMs = NOW;
    for (let failed = 0; failed < 7; failed += 1) {
      for (const command of [at('start', { nowMs }), at('start-failed', { nowMs })]) {
        const next = apply(state, command);
        if (next === 'refused') throw new Error('refused');
        state = next;
      }
      waits.push([state.phase, (state.retryAtMs - nowMs) / 1_000]);
      nowMs = state.retryAtMs;
    }
    expect(waits).toEqual([
      ['dead', 2],
      ['dead', 4],
      ['degraded', 8],
      ['degraded', 16],
      ['degraded', 32],
      ['degraded', 60],
      ['degraded', 60],
    ]);
  });

  test('of calls degrade a server that runs, and an answer makes it ready with the count at zero', () => {
    const failed = at('call-failed', {});
    const degraded = run(start, started, failed, failed, failed);
    expect(degraded).toMatchObject({
      phase: 'degraded',
      failures: 3,
      stillborn: 0,
      retryAtMs: NOW + 8_000,
    });
    expect(apply(degraded, answered)).toEqual({ ...decider.initial, phase: 'ready' });
  });

  test('in between answers never degrade it', () => {
    const failed = at('call-failed', {});
    expect(run(start, started, failed, failed, answered, failed, failed).phase).toBe('ready');
  });

  test('by the end of a child are forgiven once', () => {
    const dead = run(start, started, answered, at('child-ended', {}));
    expect(dead).toMatchObject({ phase: 'dead', failures: 1, stillborn: 0, retryAtMs: NOW });
    const unproved = at('child-ended', { hasAnswered: false });
    expect(run(start, started, unproved).retryAtMs).toBe(NOW);
    expect(run(start, started, unproved, start, started, unproved).retryAtMs).toBe(NOW + 2_000);
    const proved = at('child-ended', { hasAnswered: true });
    expect(run(start, started, proved, start, started, unproved).retryAtMs).toBe(NOW);
  });

  test('of one child of several leave the server ready', () => {
    const state = run(start, started, started, at('child-ended', { childrenLeft: 1 }));
    expect(state.phase).toBe('ready');
  });

  test('of a start leave a server ready whose other children answer, and make only the next start wait', () => {
    const state = run(start, started, at('start-failed', { childrenLeft: 1 }), answered);
    expect(state).toMatchObject({ phase: 'ready', failures: 0 });
    expect(apply(state, start)).toBe('refused');
  });

  test('of two starts side by side count once, and the second decides the phase', () => {
    const first = run(start, at('start-failed', { startsLeft: 1 }));
    expect(first).toMatchObject({ phase: 'initializing', failures: 1 });
    const second = apply(first, at('start-failed', { isCounted: false }));
    expect(second).toMatchObject({
      phase: 'dead',
      failures: 1,
      stillborn: 0,
      retryAtMs: NOW + 2_000,
    });
  });
});

describe('a person who starts it', () => {
  test.each(['dead', 'degraded'] as const)('does not wait where it is %s', (phase) => {
    const forgiven = apply(STATES[phase], COMMANDS.forgive);
    expect(forgiven).toEqual(decider.initial);
  });

  test('makes a degraded server with children ready, and lets a start go that had to wait', () => {
    expect(apply(STATES.degraded, at('forgive', { childrenLeft: 1 }))).toMatchObject({
      phase: 'ready',
      failures: 0,
    });
    const waiting = run(start, at('start-failed', { childrenLeft: 1 }), COMMANDS.forgive);
    expect(waiting).toMatchObject({ phase: 'ready', retryAtMs: 0 });
  });
});

describe('a stop', () => {
  test('for being idle says for how long, and forgets nothing that is wrong', () => {
    const idle = { durationMs: 61_000, lastUsedAtMs: 7 };
    const decided = decider.decide({ type: 'stopped', reason: 'idle', idle }, STATES.ready);
    expect(decided.ok && decided.value.map(({ type }) => type)).toEqual([
      'McpServerIdleDetected',
      'McpServerStopped',
      'McpServerStateChanged',
    ]);
    expect(apply(STATES.degraded, COMMANDS.stopped)).toEqual(STATES.degraded);
  });

  test('by a person ends degraded and dead, too', () => {
    const stop = at('stopped', { reason: 'user_request' });
    for (const phase of ['degraded', 'dead'] as const)
      expect(apply(STATES[phase], stop)).toEqual(decider.initial);
  });
});

describe('probes', () => {
  const missed = COMMANDS['probe-failed'];
  const passed = COMMANDS['probe-passed'];
  const typesOf = (command: LifecycleCommand, state: Lifecycle): readonly string[] => {
    const decided = decider.decide(command, state);
    return decided.ok ? decided.value.map(({ type }) => type) : ['refused'];
  };

  test('that fail degrade a server that runs, with a back-off', () => {
    expect(run(start, started, missed, missed, missed)).toMatchObject({
      phase: 'degraded',
      failures: 3,
      retryAtMs: NOW + 8_000,
      isProbeFailing: true,
    });
  });

  test('that fail wait for nothing before that', () => {
    expect(run(start, started, missed, missed)).toMatchObject({ phase: 'ready', retryAtMs: 0 });
  });

  test('that pass are events only where that is news', () => {
    expect(typesOf(passed, run(start, started))).toEqual([]);
    expect(typesOf(passed, run(start, started, missed))).toEqual([
      'HealthCheckPassed',
      'McpServerFailuresCleared',
    ]);
    expect(typesOf(passed, run(start, started, missed, passed))).toEqual([]);
    expect(typesOf(passed, STATES.degraded)).toEqual([
      'HealthCheckPassed',
      'McpServerFailuresCleared',
      'McpServerStateChanged',
    ]);
  });

  test('that pass do not end what calls meet, but they speak for a process that is started anew', () => {
    const failed = COMMANDS['call-failed'];
    expect(run(start, started, failed, failed, passed).failures).toBe(2);
    expect(run(start, started, failed, failed, passed, failed).phase).toBe('degraded');
    const anew = run(start, started, failed, failed, failed, at('start', { nowMs: NOW + 8_000 }));
    const ready = [started, passed].reduce((state, next) => {
      const after = apply(state, next);
      return after === 'refused' ? state : after;
    }, anew);
    expect(ready).toMatchObject({ phase: 'ready', failures: 0 });
  });
});

test('a recovery that gives up leaves the server dead, and the next call waits for the back-off only', () => {
  const dead = apply(STATES.degraded, at('stopped', { reason: 'max_retries_exceeded' }));
  expect(dead).toMatchObject({ phase: 'dead', failures: 3, lastFailure: 'x' });
  expect(dead === 'refused' ? dead : apply(dead, start)).toBe('refused');
  const due = at('start', { nowMs: NOW + 8_000 });
  expect(dead === 'refused' ? dead : apply(dead, due)).toMatchObject({ phase: 'initializing' });
});

const LEGAL: Record<McpServerPhase, readonly McpServerPhase[]> = {
  cold: ['initializing'],
  initializing: ['ready', 'degraded', 'dead', 'cold'],
  ready: ['degraded', 'dead', 'cold'],
  degraded: ['initializing', 'ready', 'dead', 'cold'],
  dead: ['initializing', 'degraded', 'cold'],
};

const RUNS = 100_000;

const command = fc
  .record({
    type: fc.constantFrom(...types),
    passMs: fc.integer({ min: 0, max: 30_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    childrenLeft: fc.integer({ min: 0, max: 2 }),
    startsLeft: fc.integer({ min: 0, max: 2 }),
    hasAnswered: fc.boolean(),
    isCounted: fc.boolean(),
    reason: fc.constantFrom(
      ...([
        'idle',
        'shutdown',
        'user_request',
        'error',
        'released',
        'max_retries_exceeded',
      ] as const),
    ),
  })
  .map(({ passMs, ...rest }) => ({ passMs, rest }));

test('100,000 random sequences: legal changes, each with its event, no lock-out, replay gives the state', () => {
  let seen = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 12 }), (steps) => {
      seen += 1;
      let state = decider.initial;
      let nowMs = NOW;
      const log = [];
      for (const { passMs, rest } of steps) {
        nowMs += passMs;
        const decided = decider.decide({ ...rest, nowMs } as LifecycleCommand, state);
        if (!decided.ok) continue;
        for (const event of decided.value) {
          const next = decider.evolve(state, event);
          if (event.type === 'McpServerStateChanged') {
            if (event.data.old_state !== state.phase) throw new Error('an event is missing');
            if (!LEGAL[state.phase].includes(next.phase)) throw new Error('an illegal change');
          } else if (next.phase !== state.phase) throw new Error('a change without its event');
          state = next;
          log.push(event);
        }
        if (state.retryAtMs - nowMs > BACKOFF_MS_MAX) throw new Error('locked out');
      }
      const later = nowMs + BACKOFF_MS_MAX;
      if (!decider.decide({ type: 'start', nowMs: later }, state).ok) throw new Error('locked out');
      if (JSON.stringify(log.reduce(decider.evolve, decider.initial)) !== JSON.stringify(state))
        throw new Error('replay differs');
    }),
    { numRuns: RUNS },
  );
  expect(seen).toBe(RUNS);
}, 60_000);
