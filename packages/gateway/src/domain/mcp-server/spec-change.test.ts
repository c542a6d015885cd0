import { Secret } from '@mcp-hangar/kernel/secret';
import { describe, expect, it } from 'vitest';
import { EFFECT_OF, isSame, specChange } from './spec-change.ts';
import { groupSpecOf } from '../../../test-kit/group-spec.ts';
import type { GroupSpec } from '../group/spec.ts';
import { compareGenerations, type Generation } from './generations.ts';
import { McpServerId, type McpServerSpec } from './spec.ts';

const specOf = (id: string, rest: Partial<McpServerSpec> = {}): McpServerSpec => ({
  id: McpServerId.parse(id),
  description: undefined,
  enabled: true,
  launch: {
    kind: 'stdio',
    command: 'server',
    args: ['a'],
    env: { TOKEN: new Secret('one') },
    cwd: undefined,
  },
  digest: 'd',
  secrets: [new Secret('one')],
  era: undefined,
  sharing: 'auto',
  idleTtlMs: 0,
  startupTimeoutMs: 1_000,
  callTimeoutMs: 1_000,
  failuresMax: 3,
  healthIntervalMs: 60_000,
  breaker: undefined,
  failover: undefined,
  autoStart: false,
  replicas: 1,
  execution: undefined,
  leasedChildrenMax: 8,
  sessionChildrenMax: 100,
  predefinedTools: [{ name: 't', inputSchema: { type: 'object' } }],
  hiddenTools: [],
  ...rest,
});

const groupOf = (
  id: string,
  members: readonly string[],
  rest: Partial<Omit<GroupSpec, 'id' | 'members'>> = {},
): GroupSpec => groupSpecOf({ id, members, ...rest });
const generation = (
  servers: readonly McpServerSpec[],
  groups: readonly GroupSpec[] = [],
): Generation => ({ servers, groups });

/** Another value for each member. */
const OTHER: { readonly [Member in keyof McpServerSpec]-?: McpServerSpec[Member] } = {
  id: McpServerId.parse('other'),
  description: 'new',
  enabled: false,
  launch: { kind: 'stdio', command: 'server', args: ['b'], env: {}, cwd: undefined },
  digest: 'e',
  secrets: [new Secret('two')],
  era: 'legacy',
  sharing: 'session',
  idleTtlMs: 1,
  startupTimeoutMs: 2,
  callTimeoutMs: 3,
  failuresMax: 4,
  healthIntervalMs: 1,
  breaker: { failureThreshold: 1, resetTimeoutMs: 1, probeCount: 1, window: undefined },
  failover: { backup: 'b', autoFailback: true, failbackDelayMs: 1 },
  execution: { concurrencyMax: 1, rateLimit: undefined, toolRateLimits: [], retry: undefined },
  autoStart: true,
  replicas: 2,
  leasedChildrenMax: 5,
  sessionChildrenMax: 6,
  predefinedTools: undefined,
  hiddenTools: ['x*'],
};

describe('A change of a specification', () => {
  it('is none where both come to the same, whatever objects they are made of', () => {
    expect(specChange(specOf('a'), specOf('a'))).toBe('none');
  });

  it.each(Object.keys(OTHER) as (keyof McpServerSpec)[])(
    'of %s has the effect that the table says',
    (member) => {
      const change = specChange(specOf('a'), { ...specOf('a'), [member]: OTHER[member] });
      const effect = EFFECT_OF[member];
      expect(change).toBe(effect === 'switch' ? 'switched-off' : effect);
    },
  );

  it('that replaces the server outweighs one that it takes over', () => {
    const both = specOf('a', { sharing: 'shared', callTimeoutMs: 7 });
    expect(specChange(specOf('a'), both)).toBe('replaces');
  });

  it('to another value of a secret replaces the server', () => {
    const launch = { kind: 'stdio', command: 'server', args: ['a'], cwd: undefined } as const;
    const other = { ...launch, env: { TOKEN: new Secret('two') } };
    expect(specChange(specOf('a'), specOf('a', { launch: other }))).toBe('replaces');
  });

  it('of the switch comes first: what else has changed is there when it is on again', () => {
    const off = specOf('a', { enabled: false });
    expect(specChange(off, specOf('a', { sharing: 'shared' }))).toBe('switched-on');
    expect(specChange(off, { ...off, callTimeoutMs: 9 })).toBe('live');
  });
});

describe('Values', () => {
  it.each([
    [undefined, undefined, true],
    [undefined, null, false],
    [[], {}, false],
    [['a', 'b'], ['a'], false],
    [{ a: undefined }, {}, true],
    [{ a: { b: [1] } }, { a: { b: [1] } }, true],
    [Number.NaN, Number.NaN, true],
    [new Secret('x'), new Secret('x'), true],
    [new Secret('x'), new Secret('y'), false],
    [new Secret('x'), {}, false],
  ])('%j and %j are the same: %j', (left, right, same) => {
    expect(isSame(left, right)).toBe(same);
    expect(isSame(right, left)).toBe(same);
  });
});

describe('Two generations', () => {
  it('differ by servers that came, went, changed or are switched', () => {
    const diff = compareGenerations(
      generation([
        specOf('kept'),
        specOf('gone'),
        specOf('live'),
        specOf('new-args'),
        specOf('off'),
      ]),
      generation([
        specOf('off', { enabled: false }),
        specOf('came'),
        specOf('new-args', { digest: 'other' }),
        specOf('live', { description: 'x' }),
        specOf('kept'),
      ]),
    );
    expect(diff).toMatchObject({
      added: ['came'],
      removed: ['gone'],
      updated: ['off', 'new-args', 'live'],
      unchanged: ['kept'],
      restarted: ['new-args'],
    });
  });

  it('do not differ by their order', () => {
    const [a, b] = [specOf('a'), specOf('b')];
    expect(compareGenerations(generation([a, b]), generation([b, a]))).toMatchObject({
      added: [],
      removed: [],
      updated: [],
    });
  });

  it('name groups, and those that are as they were do not differ', () => {
    const servers = [specOf('a'), specOf('b')];
    const canary = (tenant: string): Partial<GroupSpec> => ({
      canary: { member: 'b', splitPercent: 1, pinnedTenants: new Map([[tenant, 'a']]) },
    });
    const diff = compareGenerations(
      generation(servers, [
        groupOf('same', ['a'], canary('t')),
        groupOf('pinned', ['a'], canary('t')),
        groupOf('gone', ['a']),
        groupOf('member', ['a', 'b']),
      ]),
      generation(
        [specOf('a'), specOf('b', { description: 'x' })],
        [
          groupOf('member', ['a', 'b']),
          groupOf('came', ['a']),
          groupOf('same', ['a'], canary('t')),
          groupOf('pinned', ['a'], canary('other')),
        ],
      ),
    );
    expect(diff).toMatchObject({
      added: ['came'],
      removed: ['gone'],
      updated: ['b', 'member', 'pinned'],
      unchanged: ['a', 'same'],
      restarted: [],
    });
  });

  it('have a server that has become a group as one that was changed', () => {
    const [a, b] = [specOf('a'), specOf('b')];
    const diff = compareGenerations(
      generation([a, b]),
      generation([b], [groupOf('a', ['b'], { enabled: false })]),
    );
    expect(diff).toMatchObject({ added: [], removed: [], updated: ['a'], unchanged: ['b'] });
  });
});
