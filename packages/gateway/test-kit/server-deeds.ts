/** What may happen to a server, for tests that let much of it happen in any order. */
import fc from 'fast-check';
import type { Child } from '../src/application/servers/child.ts';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { GatedWork } from '../src/application/servers/upstream.ts';
import type { World } from './server-world.ts';

export const RESET_MS = 60_000;
/** The longest back-off, jitter included, and the reset timeout. */
export const KNOWN_MS = 66_000 + RESET_MS;
export const BREAKER = {
  failureThreshold: 2,
  resetTimeoutMs: RESET_MS,
  probeCount: 1,
  window: undefined,
};

const DEEDS = [
  'call',
  'time out',
  'crash',
  'break',
  'mend',
  'probe fails',
  'probe passes',
  'recover',
  'give up',
  'start',
  'stop',
] as const;
export type Deed = (typeof DEEDS)[number];
export const deeds = fc.constantFrom(...DEEDS);
export const pauses = fc.integer({ min: 0, max: 40_000 });

/** The child that a call gets; undefined where it is refused. */
export type Take = (work: GatedWork) => Promise<Child> | Child;

export async function taken(take: Take): Promise<Child | undefined> {
  try {
    return await take({ signal: new AbortController().signal, settled: false });
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

async function call({ clock }: World, take: Take, outcome: 'answered' | 'failed'): Promise<void> {
  const child = await taken(take);
  child?.report({ outcome, beganAtMs: clock.now, reason: 'no answer in time' });
  child?.end(clock.now, outcome === 'answered');
}

/** @param take how calls come: to the server, or to a group that it is a member of */
export async function happens(world: World, deed: Deed, take: Take): Promise<void> {
  const { server, launcher, clock } = world;
  const [child] = server.running;
  switch (deed) {
    case 'call':
      return call(world, take, 'answered');
    case 'time out':
      return call(world, take, 'failed');
    case 'crash':
      return launcher.alive[0]?.crash();
    case 'break':
      launcher.failure = 'it does not run';
      return;
    case 'mend':
      launcher.failure = undefined;
      return;
    case 'probe fails':
      if (child !== undefined)
        server.probeFailed(child, { reason: 'ping', beganAtMs: clock.now, isHopeless: false });
      return;
    case 'probe passes':
      if (child !== undefined) server.probePassed(child, 1);
      return;
    case 'recover':
      return server.warm().catch(() => undefined);
    case 'give up':
      return server.giveUp();
    case 'start':
      return server.start().catch(() => undefined);
    case 'stop':
      return server.stop('user_request');
  }
}
