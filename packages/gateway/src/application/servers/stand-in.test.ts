/** Who gets the calls of a server that has a backup, and a circuit of its own. */
import { describe, expect, it } from 'vitest';
import { userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import { Fleet } from '../dispatch/fleet.ts';
import type { CallOutcome } from './lifecycle-keeper.ts';
import type { McpServer } from './mcp-server.ts';
import { calleeOf } from './stand-in.ts';

const RESET_MS = 60_000;
const breaker = {
  failureThreshold: 2,
  resetTimeoutMs: RESET_MS,
  probeCount: 1,
  window: undefined,
};
const failover = { backup: 'spare', autoFailback: true, failbackDelayMs: 30_000 };
const SHARED = { prefixed: true, ownTools: undefined, toolsOnly: false } as const;
const formation = (...servers: readonly McpServer[]): ConstructorParameters<typeof Fleet>[0] => ({
  servers,
  disabled: [],
  groups: [],
  disabledGroups: [],
});

/** Calls that fail side by side: they are two for the circuit and one for the lifecycle. */
async function opened(main: World): Promise<void> {
  await call(main, 'failed', main.clock.now);
  await call(main, 'failed', main.clock.now);
}

async function call({ server, clock }: World, outcome: CallOutcome, at: number): Promise<void> {
  const work = { signal: new AbortController().signal, settled: false };
  const child = await server.take(userOf(), work);
  child.report({ outcome, beganAtMs: at, reason: 'no answer in time' });
  child.end(clock.now, outcome === 'answered');
  work.settled = true;
}

interface Pair {
  readonly main: World;
  readonly spare: World;
  readonly callee: () => string;
}

function pairOf(): Pair {
  const main = worldOf({ id: 'main', failuresMax: 100, breaker, failover }, { hello: {} });
  const spare = worldOf({ id: 'spare', failuresMax: 1 }, { hello: {} });
  new Fleet(formation(main.server, spare.server), SHARED);
  return { main, spare, callee: () => calleeOf(main.server, () => main.clock.now).spec.id };
}

describe('A server with an open circuit and no failover', () => {
  it('leaves its calls to its backup until it is tried again', async () => {
    const { main, callee } = pairOf();
    expect(callee()).toBe('main');
    await opened(main);
    expect(main.server.phase).toBe('ready');
    expect(callee()).toBe('spare');
    main.clock.now += RESET_MS;
    expect(callee()).toBe('main');
    await call(main, 'answered', main.clock.now);
    expect(callee()).toBe('main');
  });

  it('leaves them to it while one of them tries it', async () => {
    const { main, callee } = pairOf();
    await opened(main);
    main.clock.now += RESET_MS;
    const child = await main.server.take(userOf(), { signal: new AbortController().signal });
    expect(callee()).toBe('spare');
    child.report({ outcome: 'failed', beganAtMs: main.clock.now, reason: 'no answer in time' });
    child.end(main.clock.now, false);
    expect(callee()).toBe('spare');
  });

  it('says so itself where the backup cannot be called either', async () => {
    const { main, spare, callee } = pairOf();
    await opened(main);
    await call(spare, 'failed', spare.clock.now);
    expect(spare.server.phase).toBe('degraded');
    expect(callee()).toBe('main');
  });
});

it('A server has the backup of the configuration of now', () => {
  const { main, spare } = pairOf();
  const fleet = new Fleet(formation(main.server, spare.server), SHARED);
  expect([main.server.backup, spare.server.backup]).toEqual([spare.server, undefined]);
  const fresh = worldOf({ id: 'spare' }).server;
  fleet.swap(formation(main.server, fresh));
  expect(main.server.backup).toBe(fresh);
  fleet.swap(formation(main.server));
  expect(main.server.backup).toBeUndefined();
});
