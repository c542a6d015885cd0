import { FORGETFUL } from '../../infrastructure/state/memory-files.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { settled, SILENT } from '../../../test-kit/scripted-launcher.ts';
import { askingUser, userOf, worldOf } from '../../../test-kit/server-world.ts';
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import type { ChangedList } from '../servers/child.ts';
import { Catalogs } from './catalogs.ts';
import { Views, type Endpoint, type View } from './views.ts';

const SERVER_INFO = { name: 'mcp-hangar', version: '0' };
const LEGACY = userOf().asker;
const MODERN: Asker = { ...LEGACY, era: 'modern' };

interface ViewWorld {
  readonly views: Views;
  readonly endpoint: Endpoint;
  /** What the server lists from now on. */
  readonly lists: { tools: string[]; resources: string[] };
  readonly start: (asker?: Asker) => Promise<void>;
  readonly change: (...kinds: readonly string[]) => Promise<void>;
}

function viewWorld(prefixed = true): ViewWorld {
  const lists: ViewWorld['lists'] = { tools: ['a'], resources: [] };
  const catalogs = new Catalogs({
    clock: { nowMs: () => 0 },
    logger: SILENT,
    startConcurrency: 4,
    modernMeta: {},
    memory: FORGETFUL,
  });
  const { server, launcher } = worldOf(
    { id: 'files' },
    {
      hello: {
        capabilities: { tools: {}, resources: {} },
        behaviour: () => ({
          result: {
            tools: lists.tools.map((name) => ({ name })),
            resources: lists.resources.map((uri) => ({ uri })),
          },
        }),
      },
      listener: {
        ready: (from, child) => catalogs.childReady(from, child),
        changed: (from, child, { method }) => catalogs.childChanged(from, child, method),
        ended: () => undefined,
        toolsKnown: (from) => catalogs.toolsKnown(from),
      },
    },
  );
  return {
    lists,
    views: new Views({ catalogs, serverInfo: SERVER_INFO, ttlMs: 5_000 }),
    endpoint: { name: '*', servers: [server], prefixed },
    start: (asker = LEGACY) => catalogs.warm(server, { ...userOf(), asker }),
    change: async (...kinds) => {
      for (const kind of kinds)
        launcher.connections[0]?.says({ method: `notifications/${kind}/list_changed` });
      await vi.advanceTimersByTimeAsync(50);
      await settled();
      await vi.advanceTimersByTimeAsync(250);
    },
  };
}

const bodyOf = (view: View): unknown => JSON.parse(`{${view.body('tools').toString('utf8')}`);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => vi.useRealTimers());

describe('the body of a list', () => {
  test('is the end of an answer: public names, and in the modern era its envelope', async () => {
    const { views, endpoint, start } = viewWorld();
    await start();
    expect(views.of(endpoint, LEGACY).body('tools').toString()).toBe(
      '"result":{"tools":[{"name":"files__a"}]}}',
    );
    await start(MODERN);
    expect(bodyOf(views.of(endpoint, MODERN))).toEqual({
      result: {
        tools: [{ name: 'files__a' }],
        resultType: 'complete',
        ttlMs: 5_000,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
      },
    });
  });

  test('is kept as the same bytes until a list changes', async () => {
    const { views, endpoint, lists, start, change } = viewWorld();
    await start();
    const view = views.of(endpoint, LEGACY);
    const body = view.body('tools');
    expect(body.buffer.byteLength).toBe(body.length); // what is kept is in memory of its own
    expect(view.body('tools')).toBe(body);
    await change('tools');
    expect(view.body('tools')).toBe(body); // said, but the same
    lists.tools.push('ä');
    await change('tools');
    expect(bodyOf(view)).toEqual({
      result: { tools: [{ name: 'files__a' }, { name: 'files__ä' }] },
    });
  });

  test('has the server’s own names where it stands alone', async () => {
    const { views, endpoint, start } = viewWorld(false);
    await start();
    expect(bodyOf(views.of(endpoint, LEGACY))).toEqual({ result: { tools: [{ name: 'a' }] } });
  });

  test('has the tools of the gateway behind those of the servers', async () => {
    const { views, endpoint, start } = viewWorld();
    await start();
    const ownTools = { definitions: [{ name: 'own' }], has: (name: string) => name === 'own' };
    expect(bodyOf(views.of({ ...endpoint, ownTools }, LEGACY))).toEqual({
      result: { tools: [{ name: 'files__a' }, { name: 'own' }] },
    });
  });

  test('is empty where an endpoint shows no servers', async () => {
    const { views, endpoint, start } = viewWorld();
    await start();
    const hidden = views.of({ ...endpoint, servers: [] }, LEGACY);
    expect(bodyOf(hidden)).toEqual({ result: { tools: [] } });
  });
});

describe('a view', () => {
  test('is the same for clients of one kind, and never that of another kind', () => {
    const { views, endpoint } = viewWorld();
    const other: Endpoint = { ...endpoint, name: 'other' };
    const view = views.of(endpoint, LEGACY);
    expect(views.of(endpoint, { ...LEGACY, owner: 'somebody else' })).toBe(view);
    expect(view.asker.owner).toBe('');
    const all = [
      view,
      views.of(endpoint, MODERN),
      views.of(endpoint, askingUser().asker),
      views.of(other, LEGACY),
    ];
    expect(new Set(all).size).toBe(4);
    expect(views.of(endpoint, { ...MODERN, capabilities: { extensions: {} } })).toBe(all[1]);
    const asked = views.of(endpoint, { ...MODERN, capabilities: { sampling: {} } });
    expect(asked).not.toBe(all[1]);
    expect(views.of(endpoint, { ...MODERN, owner: 'x', capabilities: { sampling: {} } })).toBe(
      asked,
    );
  });
});

describe('watching a view', () => {
  const watched = (view: View): { heard: (readonly ChangedList[])[]; stop: () => void } => {
    const heard: (readonly ChangedList[])[] = [];
    return { heard, stop: view.watch((changed) => heard.push(changed)) };
  };

  test('tells what differs and what was announced, once, to everybody', async () => {
    const { views, endpoint, lists, start, change } = viewWorld();
    await start();
    await vi.advanceTimersByTimeAsync(1_000);
    const view = views.of(endpoint, LEGACY);
    const [one, two] = [watched(view), watched(view)];
    lists.resources.push('x:/');
    await change('tools', 'tools');
    expect(one.heard).toEqual([['tools', 'resources']]);
    expect(two.heard).toEqual(one.heard);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(one.heard).toHaveLength(1);
  });

  test('tells of many changes in a short time once', async () => {
    const { views, endpoint, start } = viewWorld();
    const { heard } = watched(views.of(endpoint, LEGACY));
    await start();
    await vi.advanceTimersByTimeAsync(249);
    expect(heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(heard).toEqual([['tools']]);
  });

  test('says nothing where nothing differs, and nothing after its end', async () => {
    const { views, endpoint, lists, start, change } = viewWorld();
    await start();
    await vi.advanceTimersByTimeAsync(1_000);
    const { heard, stop } = watched(views.of(endpoint, LEGACY));
    await start(MODERN);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual([]);
    stop();
    lists.tools.push('b');
    await change('tools');
    expect(heard).toEqual([]);
  });

  test('goes on when there are more kinds of clients than are remembered', async () => {
    const { views, endpoint, lists, start, change } = viewWorld();
    await start();
    await vi.advanceTimersByTimeAsync(1_000);
    const view = views.of(endpoint, LEGACY);
    for (let at = 0; at < 200; at += 1)
      watched(views.of(endpoint, { ...LEGACY, capabilities: { experimental: { at } } }));
    const { heard } = watched(view); // it is watched only now
    const last = watched(views.of(endpoint, { ...LEGACY, capabilities: { experimental: {} } }));
    lists.tools.push('b');
    await change('tools');
    expect(heard).toEqual([['tools']]);
    expect(last.heard).toEqual([['tools']]);
  });

  test('stops with the views', async () => {
    const { views, endpoint, start } = viewWorld();
    const { heard } = watched(views.of(endpoint, LEGACY));
    await start();
    views.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual([]);
  });
});
