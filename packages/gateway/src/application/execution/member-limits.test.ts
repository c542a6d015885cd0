/** Calls to a group at the gates: the limits of its members count for them as for calls that name a member. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { describe, expect, it } from 'vitest';
import {
  gateOf,
  POLICY,
  run,
  serverOf,
  StoppedTime,
  type TestCall,
} from '../../../test-kit/gate-world.ts';
import { settled, specOf } from '../../../test-kit/scripted-launcher.ts';
import type { ServerExecution } from '../../domain/execution/settings.ts';
import type { GuardedMember } from '../calls/call-gate.ts';
import { Child } from '../servers/child.ts';
import type { GuardedServer } from './guarded-call.ts';

const time = StoppedTime.forTests();

const memberOf = (execution?: Partial<ServerExecution>, id = 'one'): GuardedMember =>
  execution === undefined
    ? { spec: specOf({ id }), retryInMs: 0 }
    : (serverOf(execution, id) as GuardedMember); // `serverOf` makes a whole spec
const groupOf = (
  members: readonly GuardedMember[],
  execution?: Partial<ServerExecution>,
): GuardedServer => ({
  ...memberOf(execution, 'pool'),
  members: members as never, // no more of them is looked at
  failover: { membersMax: 2, hedgeAfterMs: undefined, hasOther: () => true },
});
const gateOfCall = ({ gate }: TestCall) => {
  if (gate === undefined) throw new Error('it is not guarded');
  return gate;
};
const childOf = (): Child => new Child({ kind: 'shared', era: 'legacy' }, {} as never); // it reports nothing
const codeOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error instanceof Fault ? error.code : error;
  }
};

describe('A group', () => {
  it('is guarded where one of its members is limited', () => {
    expect(gateOf().guards(groupOf([memberOf()]))).toBe(false);
    expect(gateOf().guards(groupOf([memberOf(), memberOf({})]))).toBe(true);
  });
});

describe('The rate limit of a member', () => {
  it('counts calls by way of the group and calls that name it', () => {
    const [gate, one, other] = [gateOf(), memberOf({ rateLimit: RATE }), memberOf({}, 'other')];
    const pool = groupOf([one, other]);
    const first = gateOfCall(run(gate, pool));
    expect([first.aheadAt(one), first.placeAt(one)]).toEqual([0, undefined]);
    expect(run(gate, one).runs).toBe(true);
    expect(run(gate, one).fault.code).toBe('RATE_LIMITED');
    const next = gateOfCall(run(gate, pool));
    expect([next.aheadAt(one), next.aheadAt(other)]).toEqual([Number.POSITIVE_INFINITY, 0]);
    expect(codeOf(() => next.placeAt(one))).toBe('RATE_LIMITED');
  });

  it('is no matter for a call whose client has answered', () => {
    const [gate, one] = [gateOf(), memberOf({ rateLimit: RATE })];
    const guarded = gateOfCall(run(gate, groupOf([one])));
    void guarded.placeAt(one);
    run(gate, one);
    guarded.waitsForClient(true);
    guarded.waitsForClient(false);
    expect(guarded.placeAt(one)).toBeUndefined();
  });
});

describe('A child', () => {
  it('hears no more of a call that another member has taken over', () => {
    const guarded = gateOfCall(run(gateOf(), groupOf([memberOf({})])));
    const [first, second] = [childOf(), childOf()];
    guarded.sentTo(first);
    guarded.sentTo(second);
    expect([first.guarded.size, second.guarded.size]).toEqual([0, 1]);
    guarded.over();
    expect(second.guarded.size).toBe(0);
  });
});

describe('The places of a member', () => {
  it('are shared by both ways, in the order in which they came', async () => {
    const [gate, one] = [gateOf(), memberOf({ concurrencyMax: 1 })];
    const direct = run(gate, one);
    const [first, second] = [run(gate, groupOf([one])), run(gate, groupOf([one]))];
    const went: string[] = [];
    expect(gateOfCall(first).aheadAt(one)).toBe(1);
    const places = [gateOfCall(first).placeAt(one)];
    expect(gateOfCall(second).aheadAt(one)).toBe(2);
    places.push(gateOfCall(second).placeAt(one));
    for (const [at, place] of places.entries())
      place?.then(
        () => went.push(`${at} goes`),
        () => went.push(`${at} is over`),
      );
    const last = run(gate, one);
    expect(gate.queuedOf(one)).toBe(3);
    direct.end();
    await settled();
    expect(went).toEqual(['0 goes']);
    first.end();
    second.end();
    await settled();
    expect([went, last.runs, gate.queuedOf(one)]).toEqual([['0 goes', '1 is over'], true, 0]);
  });

  it('hold none of the group while they are waited for, and name themselves', async () => {
    const [gate, one] = [gateOf({ queueMax: 1 }), memberOf({ concurrencyMax: 1 })];
    const pool = groupOf([one], { concurrencyMax: 1 });
    run(gate, one);
    const waiting = run(gate, pool);
    const place = gateOfCall(waiting).placeAt(one);
    const told = place?.then(
      () => 'a place',
      (error: unknown) => error,
    );
    const next = run(gate, pool);
    await settled();
    expect(next.runs).toBe(true);
    expect(codeOf(() => gateOfCall(next).placeAt(one))).toBe('CONCURRENCY_LIMITED');
    await time.pass(2_000);
    expect(waiting.fault.data?.['limit']).toBe('mcp_servers.one.max_concurrency');
    expect(await told).toMatchObject({ message: 'the call is over' });
  });

  it('are given up for those of another member', () => {
    const [gate, one, other] = [
      gateOf(),
      memberOf({ concurrencyMax: 1 }),
      memberOf({ concurrencyMax: 1 }, 'other'),
    ];
    const guarded = gateOfCall(run(gate, groupOf([one, other])));
    void guarded.placeAt(one);
    void guarded.placeAt(other);
    expect([guarded.aheadAt(one), guarded.aheadAt(other)]).toEqual([0, 1]);
    guarded.over();
    expect(guarded.aheadAt(other)).toBe(0);
  });

  it('are not waited for by a second try, which takes and leaves its own', () => {
    const [gate, one, other] = [
      gateOf(),
      memberOf({ concurrencyMax: 1 }),
      memberOf({ concurrencyMax: 1 }, 'other'),
    ];
    const guarded = gateOfCall(run(gate, groupOf([one, other])));
    void guarded.placeAt(one);
    const second = guarded.beside();
    expect(codeOf(() => second.placeAt(one))).toBe('CONCURRENCY_LIMITED');
    void second.placeAt(other);
    expect([guarded.aheadAt(one), guarded.aheadAt(other)]).toEqual([1, 1]);
    second.over();
    expect([guarded.aheadAt(one), guarded.aheadAt(other)]).toEqual([1, 0]);
  });
});

describe('The retries of a member', () => {
  it('are made where its group says nothing, with the time that each attempt has', async () => {
    const one = memberOf({ retry: { ...POLICY, attemptTimeoutMs: 700 } });
    const call = run(gateOf(), groupOf([one]), { isRepeatable: () => true });
    void gateOfCall(call).placeAt(one);
    expect(gateOfCall(call).attemptLimit?.timeoutMs).toBe(700);
    call.breaks();
    await time.pass(1_000);
    expect(call.attempts).toHaveLength(2);
  });

  it('are those of the group where that says so, and none where neither does', () => {
    const [one, other] = [memberOf({ retry: POLICY }), memberOf({}, 'other')];
    const limited = run(gateOf(), groupOf([one], { retry: { ...POLICY, attemptsMax: 1 } }), {
      isRepeatable: () => true,
    });
    void gateOfCall(limited).placeAt(one);
    limited.breaks();
    expect(limited.fault.code).toBe('UPSTREAM_ENDED');
    const plain = run(gateOf(), groupOf([one, other]), { isRepeatable: () => true });
    void gateOfCall(plain).placeAt(other);
    plain.breaks();
    expect(plain.fault.code).toBe('UPSTREAM_ENDED');
  });
});

const RATE = { perSecond: 0.001, burst: 2 };
