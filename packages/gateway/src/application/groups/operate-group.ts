/** What a person asks of a group is asked of all its members. */
import { atMost } from '../at-most.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import { phaseOf } from './group-as-server.ts';
import { groupFactsOf, type GroupFacts } from './group-facts.ts';
import type { ServerGroup } from './server-group.ts';

export interface StartedGroup {
  readonly facts: GroupFacts;
  readonly membersStarted: number;
}

/** Starts every member, so many at one time. @throws what the last one met, where none could be started */
export async function startGroup(
  deps: UseCaseDeps,
  group: ServerGroup,
  context: UseCaseContext,
): Promise<StartedGroup> {
  const { caller, signal } = context;
  let membersStarted = 0;
  let failure: unknown;
  await atMost(deps.startConcurrency, group.members, async (member) => {
    if (signal.aborted) return;
    try {
      await member.start(caller.user);
      membersStarted += 1;
    } catch (error) {
      failure = error;
    }
  });
  signal.throwIfAborted();
  if (membersStarted === 0 && phaseOf(group) !== 'ready') throw failure;
  return { facts: groupFactsOf(group, deps, context), membersStarted };
}

export async function stopGroup(
  deps: UseCaseDeps,
  group: ServerGroup,
  context: UseCaseContext,
): Promise<GroupFacts> {
  await Promise.all(group.members.map((member) => member.stop('user_request')));
  return groupFactsOf(group, deps, context);
}
