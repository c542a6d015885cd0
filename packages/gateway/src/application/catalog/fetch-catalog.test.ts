import { describe, expect, test } from 'vitest';
import { ScriptedLauncher, specOf, type Behaviour } from '../../../test-kit/scripted-launcher.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { UpstreamConnection } from '../ports.ts';
import type { ListKind } from '../../domain/catalog/server-catalog.ts';
import { fetchCatalog, listKindOf } from './fetch-catalog.ts';

const TOOLS = { tools: {} };

const connect = (
  behaviour: Behaviour,
  capabilities: JsonObject = TOOLS,
): Promise<UpstreamConnection> =>
  new ScriptedLauncher({ behaviour, capabilities }).start(specOf(), {
    era: 'legacy',
    capabilities: {},
    clientInfo: undefined,
    observer: {
      request: () => undefined,
      notification: () => undefined,
      ended: () => undefined,
    },
    signal: new AbortController().signal,
  });

const fetchList = async (
  connection: UpstreamConnection,
  kind: ListKind,
  meta: JsonObject,
): Promise<readonly JsonObject[]> => (await fetchCatalog(connection, meta))[kind];

/** Pages of one tool each: cursors and their followers. */
const pages =
  (next: (cursor: unknown) => unknown, asked: unknown[] = []): Behaviour =>
  (_method, params) => {
    asked.push(params['cursor']);
    const nextCursor = next(params['cursor']);
    return { result: { tools: [{ name: `tool ${asked.length}` }], nextCursor } };
  };

describe('a list', () => {
  test('is read to its end, with every cursor as it came', async () => {
    const asked: unknown[] = [];
    const after: Record<string, string> = { start: '', '': 'ä "2"', 'ä "2"': 'last' };
    const connection = await connect(
      pages((cursor) => after[typeof cursor === 'string' ? cursor : 'start'], asked),
    );
    expect(await fetchList(connection, 'tools', {})).toHaveLength(4);
    expect(asked).toEqual([undefined, '', 'ä "2"', 'last']);
  });

  test('ends where a cursor comes again, or is none', async () => {
    expect(await fetchList(await connect(pages(() => 'same')), 'tools', {})).toHaveLength(2);
    expect(await fetchList(await connect(pages(() => null)), 'tools', {})).toHaveLength(1);
    expect(await fetchList(await connect(pages(() => 7)), 'tools', {})).toHaveLength(1);
  });

  test('of a server whose cursors never end is bounded', async () => {
    let next = 0;
    const items = await fetchList(await connect(pages(() => String((next += 1)))), 'tools', {});
    expect(items).toHaveLength(1_000);
    const many = { result: { tools: Array.from({ length: 20_000 }, () => ({ name: 'x' })) } };
    expect(await fetchList(await connect(() => many), 'tools', {})).toHaveLength(10_000);
  });

  test('says why it is not complete, and nothing where it is', async () => {
    const incomplete = async (behaviour: Behaviour): Promise<string | undefined> =>
      (await fetchCatalog(await connect(behaviour), {})).incomplete;
    let next = 0;
    expect(await incomplete(() => ({ result: { tools: [] } }))).toBeUndefined();
    expect(await incomplete(pages(() => 'same'))).toBe('tools gave the same cursor twice');
    expect(await incomplete(pages(() => String((next += 1))))).toBe(
      'tools has more than 1000 pages',
    );
    const many = { result: { tools: Array.from({ length: 10_001 }, () => ({ name: 'x' })) } };
    expect(await incomplete(() => many)).toBe('tools has more than 10000 items');
  });

  test('keeps what is an object, with unknown members and big numbers as they are', async () => {
    const tools = [{ name: 'a', 'x-new': { y: 1 } }, 'text', null, ['array']];
    const items = await fetchList(await connect(() => ({ result: { tools } })), 'tools', {});
    expect(items).toEqual([tools[0]]);
  });

  test('is refused where it is larger than a list may be, page by page and in all', async () => {
    let next = 0;
    const page = (chars: number): { result: JsonObject } => ({
      result: { tools: [{ name: 'x'.repeat(chars) }], nextCursor: String(next++) },
    });
    const inOne = fetchList(await connect(() => page(4_200_000)), 'tools', {});
    await expect(inOne).rejects.toMatchObject({ code: 'UPSTREAM_ANSWER_TOO_LARGE' });
    let asked = 0;
    const inAll = await connect(() => {
      asked += 1;
      return page(2_000_000);
    });
    await expect(fetchList(inAll, 'tools', {})).rejects.toMatchObject({
      code: 'UPSTREAM_ANSWER_TOO_LARGE',
    });
    expect(asked).toBe(9);
  });

  test('is empty, unasked, where the server does not declare it', async () => {
    const asked: string[] = [];
    const behaviour: Behaviour = (method) => {
      asked.push(method);
      return { result: { tools: [{ name: 'x' }] } };
    };
    const catalog = await fetchCatalog(await connect(behaviour), {});
    expect(asked).toEqual(['tools/list']);
    expect(catalog).toMatchObject({ era: 'legacy', tools: [{ name: 'x' }], resources: [] });
  });

  test('is empty where the server does not know the method', async () => {
    const unknown = { error: { code: -32601, message: 'Method not found' } };
    expect(
      await fetchList(await connect(() => unknown, { resources: {} }), 'resourceTemplates', {}),
    ).toEqual([]);
  });

  test('is none at all where a later page fails, however it fails', async () => {
    for (const code of [-32601, -32603]) {
      const behaviour: Behaviour = (_method, { cursor }) =>
        cursor === undefined
          ? { result: { tools: [{ name: 'first' }], nextCursor: 'c' } }
          : { error: { code, message: 'no' } };
      await expect(fetchList(await connect(behaviour), 'tools', {})).rejects.toThrow('no');
    }
  });

  test('asks with the _meta that the era wants, on every page', async () => {
    const seen: unknown[] = [];
    const behaviour: Behaviour = (_method, params) => {
      seen.push(params);
      return { result: { tools: [], ...(seen.length === 1 ? { nextCursor: 'c' } : {}) } };
    };
    await fetchList(await connect(behaviour), 'tools', { _meta: { a: 1 } });
    expect(seen).toEqual([{ _meta: { a: 1 } }, { _meta: { a: 1 }, cursor: 'c' }]);
  });
});

test.each([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
  ['tools/call', undefined],
  ['constructor', undefined],
  ['__proto__', undefined],
  ['', undefined],
])('the method %s asks for the list %s', (method, kind) => {
  expect(listKindOf(method)).toBe(kind);
});
