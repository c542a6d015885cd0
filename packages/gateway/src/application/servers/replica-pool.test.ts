import { describe, expect, test } from 'vitest';
import { failureOf, settled } from '../../../test-kit/scripted-launcher.ts';
import { userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import type { Child } from './child.ts';

const REPLICAS = 3;
/** Longer than a place stays empty, and than the back-off after two failures. */
const RETRY_MS = 10_000;

/** All of them run, and none has a call. */
async function running(): Promise<World & { readonly children: readonly Child[] }> {
  const world = worldOf({ replicas: REPLICAS }, { hello: {} });
  const first = await world.server.take(userOf());
  await settled();
  first.end(world.clock.now, true);
  return { ...world, children: world.server.running };
}

const take = async ({ server }: World): Promise<Child> => server.take(userOf());

describe('a server with replicas', () => {
  test('starts all of them for its first call, which waits for one only', async () => {
    const world = worldOf({ replicas: REPLICAS });
    const taken = take(world);
    expect(world.launcher.starting).toHaveLength(REPLICAS);
    const connection = world.launcher.succeed();
    expect((await taken).connection).toBe(connection);
    expect(world.server.running).toHaveLength(1);
  });

  test('gives each call to the child that works on the fewest', async () => {
    const world = await running();
    const taken = [await take(world), await take(world), await take(world)];
    expect(new Set(taken)).toEqual(new Set(world.children));
    taken[1]?.end(world.clock.now, true);
    expect(await take(world)).toBe(taken[1]);
    expect(world.launcher.asked).toHaveLength(REPLICAS);
  });

  test('gives one to the child that rested longest where all work on as many', async () => {
    const world = await running();
    const used: Child[] = [];
    for (let round = 0; round < 2 * REPLICAS; round += 1) {
      world.clock.now += 10;
      const child = await take(world);
      used.push(child);
      child.end(world.clock.now, true);
    }
    expect(used.slice(REPLICAS)).toEqual(used.slice(0, REPLICAS));
    expect(new Set(used).size).toBe(REPLICAS);
  });

  test('replaces a child that ended, with the next call', async () => {
    const world = await running();
    world.launcher.connections[0]?.crash();
    expect(world.server.running).toHaveLength(REPLICAS - 1);
    const child = await take(world);
    expect(child.isGone).toBe(false);
    await settled();
    expect(world.server.running).toHaveLength(REPLICAS);
  });

  test('serves with those that run, and leaves a place empty for a while whose start failed', async () => {
    const world = worldOf({ replicas: REPLICAS });
    const taken = take(world);
    world.launcher.succeed();
    world.launcher.fail();
    world.launcher.fail();
    (await taken).end(world.clock.now, true);
    await settled();
    const again = await take(world);
    again.end(world.clock.now, true);
    expect(world.launcher.asked).toHaveLength(REPLICAS);
    world.clock.now += RETRY_MS;
    expect(await take(world)).toBe(again);
    expect(world.launcher.asked).toHaveLength(2 * REPLICAS - 1);
  });

  test('says why the first could not be started where none can', async () => {
    const world = worldOf({ replicas: REPLICAS });
    const taken = failureOf(take(world));
    world.launcher.fail('no such file');
    world.launcher.fail('out of memory');
    world.launcher.fail('out of memory');
    expect(String(await taken)).toContain('no such file');
  });
});
