import { FORGETFUL } from '../../infrastructure/state/memory-files.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  settled,
  SILENT,
  type Behaviour,
  type SpecPart,
} from '../../../test-kit/scripted-launcher.ts';
import {
  askingUser,
  Listener,
  userOf,
  worldOf,
  type World,
} from '../../../test-kit/server-world.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { ChangedList } from '../servers/child.ts';
import { Catalogs } from './catalogs.ts';

const DEBOUNCE_MS = 50;

interface CatalogWorld extends World {
  readonly catalogs: Catalogs;
  readonly told: (readonly ChangedList[])[];
}

const newCatalogs = (startConcurrency = 4): Catalogs =>
  new Catalogs({
    clock: { nowMs: () => 0 },
    logger: SILENT,
    startConcurrency,
    modernMeta: { _meta: { modern: true } },
    memory: FORGETFUL,
  });

function catalogWorld(
  behaviour: Behaviour,
  options: { catalogs?: Catalogs; spec?: SpecPart } = {},
): CatalogWorld {
  const catalogs = options.catalogs ?? newCatalogs();
  const told: (readonly ChangedList[])[] = [];
  catalogs.onChange((_server, announced) => told.push(announced));
  const world = worldOf(options.spec ?? {}, {
    hello: { behaviour, capabilities: { tools: {} } },
    listener: {
      ready: (server, child) => catalogs.childReady(server, child),
      changed: (server, child, { method }) => catalogs.childChanged(server, child, method),
      ended: () => undefined,
      toolsKnown: (server) => catalogs.toolsKnown(server),
    },
  });
  return { ...world, catalogs, told };
}

const listing = (...names: readonly string[]): { readonly result: JsonObject } => ({
  result: { tools: names.map((name) => ({ name })) },
});
const namesOf = (catalogs: Catalogs, server: McpServer, user = userOf()): readonly unknown[] =>
  catalogs.offer(server, user.asker).tools.map(({ name }) => name);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => vi.useRealTimers());

describe('a catalogue', () => {
  test('is listed once, whoever asks for it, and kept', async () => {
    let lists = 0;
    const { catalogs, server, launcher } = catalogWorld(() => {
      lists += 1;
      return listing('a');
    });
    expect(catalogs.lacks(server, userOf().asker)).toBe(true);
    await Promise.all([1, 2, 3].map(() => catalogs.warm(server, userOf())));
    expect(namesOf(catalogs, server)).toEqual(['a']);
    expect([lists, launcher.connections.length]).toEqual([1, 1]);
    expect(catalogs.lacks(server, userOf().asker)).toBe(false);
    expect(server.running[0]?.inFlight).toBe(0);
  });

  test('is kept for each set of capabilities that its child was told', async () => {
    const { catalogs, server, launcher } = catalogWorld(() =>
      listing(JSON.stringify(launcher.asked.at(-1)?.capabilities)),
    );
    await catalogs.warm(server, userOf());
    const asking = askingUser();
    expect(catalogs.find(server, asking.asker)).toBeUndefined();
    await catalogs.warm(server, asking);
    expect(namesOf(catalogs, server)).toEqual(['{}']);
    expect(namesOf(catalogs, server, asking)).toEqual(['{"roots":{}}']);
    expect(namesOf(catalogs, server, askingUser())).toEqual(['{"roots":{}}']);
  });

  test('is forgotten when too many sets of capabilities were told, the oldest first', async () => {
    const { catalogs, server } = catalogWorld(() => listing('a'), {
      spec: { leasedChildrenMax: 100 },
    });
    const users = Array.from({ length: 33 }, (_, at) =>
      userOf(undefined, { capabilities: { roots: { at } } }),
    );
    for (const user of users) await catalogs.warm(server, user);
    const lacking = users.filter(({ asker }) => catalogs.lacks(server, asker));
    expect(lacking).toEqual([users[0]]);
  });

  test('is asked for with the _meta of the era', async () => {
    const metas: unknown[] = [];
    const { catalogs, server, launcher } = catalogWorld((_method, params) => {
      metas.push(params['_meta']);
      return listing();
    });
    await catalogs.warm(server, userOf());
    expect(metas).toEqual([undefined]);
    expect(launcher.asked[0]?.era).toBe('legacy');
  });

  test('is what the configuration declares until the server was listed, without a start', async () => {
    const predefinedTools = [{ name: 'declared' }];
    const world = catalogWorld(() => listing('real'), { spec: { predefinedTools } });
    const { catalogs, server, launcher } = world;
    expect(catalogs.lacks(server, userOf().asker)).toBe(false);
    expect(namesOf(catalogs, server)).toEqual(['declared']);
    expect(launcher.asked).toHaveLength(0);
    await server.take(userOf());
    await settled();
    expect(namesOf(catalogs, server)).toEqual(['real']);
  });

  test('of a server that fails is empty, and nobody is told of an error', async () => {
    const { catalogs, server, told } = catalogWorld(() => ({
      error: { code: -32603, message: 'broken' },
    }));
    await catalogs.warm(server, userOf());
    expect(namesOf(catalogs, server)).toEqual([]);
    expect(catalogs.lacks(server, userOf().asker)).toBe(true);
    expect(told).toEqual([]);
  });
});

describe('a change of lists', () => {
  const change = async ({ launcher }: World, ...kinds: readonly string[]): Promise<void> => {
    for (const kind of kinds)
      launcher.connections.at(-1)?.says({ method: `notifications/${kind}/list_changed` });
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS);
    await settled();
  };

  test('is looked at once, however often it is said, and told even if it looks the same', async () => {
    let lists = 0;
    const world = catalogWorld(() => {
      lists += 1;
      return listing('a');
    });
    await world.catalogs.warm(world.server, userOf());
    const { version } = world.catalogs;
    world.told.length = 0;
    await change(world, 'tools', 'tools', 'prompts', 'tools');
    expect(lists).toBe(2);
    expect(world.told).toEqual([['tools', 'prompts']]);
    expect(world.catalogs.version).toBe(version);
  });

  test('makes a new version where the lists differ', async () => {
    let names = ['a'];
    const world = catalogWorld(() => listing(...names));
    await world.catalogs.warm(world.server, userOf());
    const { version } = world.catalogs;
    names = ['a', 'b'];
    await change(world, 'tools');
    expect(namesOf(world.catalogs, world.server)).toEqual(['a', 'b']);
    expect(world.catalogs.version).toBe(version + 1);
  });

  test('never replaces a whole catalogue by half of one', async () => {
    let isBroken = false;
    const world = catalogWorld((_method, { cursor }) => {
      if (isBroken && cursor !== undefined) return { error: { code: -32601, message: 'no' } };
      return { result: { tools: [{ name: isBroken ? 'half' : 'whole' }], nextCursor: 'c' } };
    });
    await world.catalogs.warm(world.server, userOf());
    isBroken = true;
    world.told.length = 0;
    await change(world, 'tools');
    expect(namesOf(world.catalogs, world.server)).toEqual(['whole', 'whole']);
    expect(world.told).toEqual([]);
  });

  test('that comes while a list is being read is not missed', async () => {
    let names = ['old'];
    const held: (() => void)[] = [];
    const world = catalogWorld(() => {
      const answer = listing(...names);
      const connection = world.launcher.connections[0];
      const id = held.length + 1;
      held.push(() => connection?.answer(id, answer));
      return undefined;
    });
    const warm = world.catalogs.warm(world.server, userOf());
    await settled();
    names = ['new'];
    await change(world, 'tools');
    held[0]?.(); // the list that was asked for before the change
    await warm;
    await settled();
    expect(held).toHaveLength(2);
    held[1]?.();
    await settled();
    expect(namesOf(world.catalogs, world.server)).toEqual(['new']);
    expect(world.told.at(-1)).toEqual(['tools']);
  });

  test('is nothing where a resource was updated', async () => {
    let lists = 0;
    const world = catalogWorld(() => {
      lists += 1;
      return listing();
    });
    await world.catalogs.warm(world.server, userOf());
    world.launcher.connections[0]?.says({ method: 'notifications/resources/updated' });
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS);
    expect(lists).toBe(1);
  });

  test('is not looked at after close', async () => {
    const world = catalogWorld(() => listing());
    await world.catalogs.warm(world.server, userOf());
    world.launcher.connections[0]?.says({ method: 'notifications/tools/list_changed' });
    world.catalogs.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what a child lists once it has worked for a client', () => {
  test('is that client’s alone, and told to nobody else', async () => {
    let names = ['common'];
    const world = catalogWorld(() => listing(...names));
    const { catalogs, server, launcher, told } = world;
    const owner = new Listener();
    const user = askingUser(owner);
    const child = await server.take(user);
    await settled();
    child.end(1, true);
    expect(catalogs.hasPrivate(owner)).toBe(false);
    told.length = 0;
    names = ['common', 'secret of this client'];
    launcher.connections[0]?.says({ method: 'notifications/tools/list_changed' });
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS);
    await settled();
    const tools = (who?: Listener): unknown =>
      catalogs.offer(server, user.asker, who).tools.map(({ name }) => name);
    expect(catalogs.hasPrivate(owner)).toBe(true);
    expect(tools(owner)).toEqual(['common', 'secret of this client']);
    expect(tools()).toEqual(['common']);
    expect(tools(new Listener())).toEqual(['common']);
    expect([owner.changes, told]).toEqual([[['tools']], []]);
  });
});

describe('listing many servers', () => {
  test('starts no more than it may at one time, and all of them in the end', async () => {
    const catalogs = newCatalogs(3);
    let listed = 0;
    let atOnce = 0;
    let most = 0;
    const worlds = Array.from({ length: 20 }, () =>
      catalogWorld(
        () => {
          atOnce += 1;
          most = Math.max(most, atOnce);
          return undefined;
        },
        { catalogs },
      ),
    );
    const warms = worlds.map(({ server }) => catalogs.warm(server, userOf()));
    while (listed < worlds.length) {
      await settled();
      for (const { launcher } of worlds)
        for (const connection of launcher.connections)
          if (connection.pending > 0) {
            connection.answer(1, listing('a'));
            atOnce -= 1;
            listed += 1;
          }
    }
    await Promise.all(warms);
    expect(most).toBe(3);
    expect(worlds.every(({ server }) => namesOf(catalogs, server).length === 1)).toBe(true);
  });
});

describe('a listing that does not come to its end', () => {
  /** Lists `names`, each on a page of its own, and after the last one the first cursor again. */
  const endless = (names: readonly string[]): Behaviour => {
    let at = 0;
    return () => ({
      result: {
        tools: [{ name: names[at++ % names.length] }],
        nextCursor: `c${at % names.length}`,
      },
    });
  };

  test('never takes the place of a complete one', async () => {
    let behaviour: Behaviour = () => listing('one', 'two');
    const world = catalogWorld((method, params) => behaviour(method, params));
    await world.catalogs.warm(world.server, userOf());
    expect(namesOf(world.catalogs, world.server)).toEqual(['one', 'two']);
    behaviour = endless(['three', 'four']);
    world.launcher.connections[0]?.says({ method: 'notifications/tools/list_changed' });
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS);
    await settled();
    await settled();
    expect(namesOf(world.catalogs, world.server)).toEqual(['one', 'two']);
  });

  test('is better than none, and gives way to the next', async () => {
    let behaviour: Behaviour = endless(['one', 'two']);
    const world = catalogWorld((method, params) => behaviour(method, params));
    await world.catalogs.warm(world.server, userOf());
    expect(namesOf(world.catalogs, world.server)).toContain('one');
    behaviour = () => listing('three');
    world.launcher.connections[0]?.says({ method: 'notifications/tools/list_changed' });
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS);
    await settled();
    await settled();
    expect(namesOf(world.catalogs, world.server)).toEqual(['three']);
  });
});
