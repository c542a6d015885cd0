import { describe, expect, it } from 'vitest';
import { groupSpecOf } from '../../../test-kit/group-spec.ts';
import { GroupEvent } from './events.ts';
import { configured, evolveGroup, NO_HISTORY } from './history.ts';
import type { GroupSpec, Strategy } from './spec.ts';

const specOf = (
  members: readonly (readonly [string, number])[],
  strategy: Strategy = 'random',
): GroupSpec => groupSpecOf({ strategy, members: members.map(([id, weight]) => ({ id, weight })) });

describe('What the log is told of a configuration', () => {
  it('is everything of a group that it does not know', () => {
    const events = configured(NO_HISTORY, specOf([['a', 3]]));
    expect(events).toEqual([
      { type: 'GroupCreated', data: { group_id: 'pool', strategy: 'random', min_healthy: 1 } },
      {
        type: 'GroupMemberAdded',
        data: { group_id: 'pool', member_id: 'a', weight: 3, priority: 1 },
      },
    ]);
    for (const event of events) expect(GroupEvent.parse(event)).toEqual(event);
  });

  it('is nothing where nothing has changed', () => {
    const spec = specOf([['a', 3]]);
    const past = configured(NO_HISTORY, spec).reduce(evolveGroup, NO_HISTORY);
    expect(configured(past, spec)).toEqual([]);
  });

  it('is what has changed, and what is gone is forgotten', () => {
    const before = configured(
      NO_HISTORY,
      specOf([
        ['a', 3],
        ['b', 1],
      ]),
    );
    const left: GroupEvent = {
      type: 'GroupMemberHealthChanged',
      data: { group_id: 'pool', member_id: 'b', in_rotation: false, reason: 'it broke' },
    };
    const past = [...before, left].reduce(evolveGroup, NO_HISTORY);
    const changes = configured(past, specOf([['a', 4]], 'priority'));
    expect(changes.map(({ type }) => type)).toEqual([
      'GroupUpdated',
      'GroupMemberRemoved',
      'GroupMemberAdded',
    ]);
    expect(changes.reduce(evolveGroup, past).out).toEqual(new Map());
  });

  it('begins anew after the group was removed', () => {
    const spec = specOf([['a', 3]]);
    const removed: GroupEvent = { type: 'GroupDeleted', data: { group_id: 'pool' } };
    const past = [...configured(NO_HISTORY, spec), removed].reduce(evolveGroup, NO_HISTORY);
    expect(past).toEqual(NO_HISTORY);
  });
});
