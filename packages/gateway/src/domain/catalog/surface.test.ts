import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../protocol/json-rpc.ts';
import { readingBudget } from '../protocol/uri-template.ts';
import { mergeOffers, type Offer, type Surface, type SurfaceOptions } from './surface.ts';

const NONE = { tools: [], prompts: [], resources: [], resourceTemplates: [] };
const offer = (server: string, lists: Partial<Offer>): Offer => ({
  server,
  era: 'legacy',
  ...NONE,
  ...lists,
});
const merge = (offers: readonly Offer[], options: Partial<SurfaceOptions> = {}): Surface =>
  mergeOffers(offers, {
    era: 'legacy',
    prefixed: true,
    hash: () => '0123456789abcdef',
    ...options,
  });
const names = (items: readonly JsonObject[]): readonly unknown[] => items.map(({ name }) => name);

const FILES = offer('files', {
  tools: [{ name: 'read', description: 'Reads', 'x-unknown': [1] }, { name: 'write' }],
  prompts: [{ name: 'read', arguments: [] }],
});
const NOTES = offer('notes', { tools: [{ name: 'read' }] });

describe('merged tools and prompts', () => {
  test('stand under the name of their server, in the order of the configuration', () => {
    const surface = merge([FILES, NOTES]);
    expect(surface.tools).toEqual([
      { name: 'files__read', description: 'Reads', 'x-unknown': [1] },
      { name: 'files__write' },
      { name: 'notes__read' },
    ]);
    expect(surface.prompts).toEqual([{ name: 'files__read', arguments: [] }]);
    expect(surface.toolRoutes.get('notes__read')).toEqual({ server: 'notes', name: 'read' });
    expect(surface.promptRoutes.get('files__read')).toEqual({ server: 'files', name: 'read' });
  });

  test('keep their names when other servers come and go', () => {
    const before = names(merge([FILES]).tools);
    const after = names(merge([NOTES, FILES, offer('more', NOTES)]).tools);
    expect(after).toEqual(expect.arrayContaining([...before]));
  });

  test('keep their own names where one server stands alone', () => {
    const surface = merge([FILES], { prefixed: false });
    expect(names(surface.tools)).toEqual(['read', 'write']);
    expect(surface.toolRoutes.get('read')).toEqual({ server: 'files', name: 'read' });
  });

  test('are listed once where a server lists them twice, or not at all without a name', () => {
    const twice = { tools: [{ name: 'a', v: 1 }, { v: 2 }, { name: 7 }, { name: 'a', v: 3 }] };
    expect(merge([offer('s', twice)]).tools).toEqual([{ name: 's__a', v: 1 }]);
  });

  test('of the first server win where two public names collide', () => {
    const long = `${'x'.repeat(80)}`;
    const surface = merge([offer('a', { tools: [{ name: `${long}1` }, { name: `${long}2` }] })]);
    expect(surface.tools).toHaveLength(1);
    expect([...surface.toolRoutes.values()]).toEqual([{ server: 'a', name: `${long}1` }]);
  });

  test('lose the legacy form of tasks for a modern client only', () => {
    const tool = { name: 't', execution: { taskSupport: 'optional' }, inputSchema: {} };
    const legacy = offer('s', { tools: [tool] });
    const modern: Offer = { ...legacy, era: 'modern' };
    expect(merge([legacy], { era: 'modern' }).tools).toEqual([{ name: 's__t', inputSchema: {} }]);
    expect(merge([legacy]).tools).toEqual([{ ...tool, name: 's__t' }]);
    expect(merge([modern], { era: 'modern' }).tools).toEqual([{ ...tool, name: 's__t' }]);
    expect(merge([modern]).tools).toEqual([{ ...tool, name: 's__t' }]);
  });

  test('that run as legacy tasks only lead a modern client nowhere', () => {
    const tool = { name: 't', execution: { taskSupport: 'required' } };
    const legacy = offer('s', { tools: [tool, { name: 'u' }] });
    const routes = merge([legacy], { era: 'modern' }).toolRoutes;
    expect(routes.get('s__t')).toEqual({ server: 's', name: 't', needsTask: true });
    expect(routes.get('s__u')).toEqual({ server: 's', name: 'u' });
    const same = [merge([legacy]), merge([{ ...legacy, era: 'modern' }], { era: 'modern' })];
    for (const { toolRoutes } of same)
      expect(toolRoutes.get('s__t')).toEqual({ server: 's', name: 't' });
  });

  test('put values of any kind into an object for a legacy client of a modern server only', () => {
    const tool = { name: 't', outputSchema: { type: 'array' }, inputSchema: {} };
    const legacy = offer('s', { tools: [tool] });
    const modern: Offer = { ...legacy, era: 'modern' };
    const [wrapped] = merge([modern]).tools;
    expect(wrapped?.['outputSchema']).toEqual({
      type: 'object',
      properties: { result: { type: 'array' } },
      required: ['result'],
    });
    expect(merge([modern]).toolRoutes.get('s__t')).toEqual({
      server: 's',
      name: 't',
      wrapsOutput: true,
    });
    for (const same of [merge([modern], { era: 'modern' }), merge([legacy])]) {
      expect(same.tools[0]?.['outputSchema']).toEqual(tool.outputSchema);
      expect(same.toolRoutes.get('s__t')).toEqual({ server: 's', name: 't' });
    }
  });

  test('know the headers of their arguments for a modern client only', () => {
    const inputSchema = { properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } };
    const offers = [offer('s', { tools: [{ name: 't', inputSchema }] })];
    const paramHeaders = [{ path: ['region'], header: 'mcp-param-region' }];
    expect(merge(offers, { era: 'modern' }).toolRoutes.get('s__t')).toEqual({
      server: 's',
      name: 't',
      paramHeaders,
    });
    expect(merge(offers).toolRoutes.get('s__t')).toEqual({ server: 's', name: 't' });
  });
});

describe('merged resources', () => {
  const A = offer('a', { resources: [{ uri: 'file:///x', name: 'of a' }, { uri: 'a://only' }] });
  const B = offer('b', { resources: [{ uri: 'file:///x', name: 'of b' }, { uri: 'b://only' }] });

  test('keep their URI with the first server, and name the server for every other one', () => {
    const { resources, uriOwners } = merge([A, B]);
    expect(resources).toEqual([
      { uri: 'file:///x', name: 'of a' },
      { uri: 'a://only' },
      { uri: 'hangar://b/file:///x', name: 'of b' },
      { uri: 'b://only' },
    ]);
    expect([...uriOwners]).toEqual([
      ['file:///x', 'a'],
      ['a://only', 'a'],
      ['b://only', 'b'],
    ]);
  });

  test('are listed once where one server lists them twice', () => {
    const twice = { resources: [{ uri: 'x:/', v: 1 }, { uri: 'x:/', v: 2 }, { name: 'no uri' }] };
    expect(merge([offer('a', twice), offer('b', twice)]).resources).toEqual([
      { uri: 'x:/', v: 1 },
      { uri: 'hangar://b/x:/', v: 1 },
    ]);
  });

  test('do not mix with templates of the same text', () => {
    const both = {
      resources: [{ uri: 'x://{a}' }],
      resourceTemplates: [{ uriTemplate: 'x://{a}' }],
    };
    const surface = merge([offer('a', both)]);
    expect(surface.resources).toEqual([{ uri: 'x://{a}' }]);
    expect(surface.resourceTemplates).toEqual([{ uriTemplate: 'x://{a}' }]);
  });
});

describe('merged templates', () => {
  const TEMPLATE = { uriTemplate: 'db://{table}/{id}', name: 'row' };
  const surface = merge([
    offer('a', { resourceTemplates: [TEMPLATE] }),
    offer('b', { resourceTemplates: [TEMPLATE, { uriTemplate: 'log://{+path}' }] }),
  ]);

  test('are listed like resources', () => {
    expect(surface.resourceTemplates).toEqual([
      TEMPLATE,
      { uriTemplate: 'hangar://b/db://{table}/{id}', name: 'row' },
      { uriTemplate: 'log://{+path}' },
    ]);
  });

  test('lead from a URI to their server', () => {
    const serverOf = (uri: string): string | undefined =>
      surface.templates.find(({ matches }) => matches(uri, readingBudget()))?.server;
    expect(serverOf('db://users/7')).toBe('a');
    expect(serverOf('log://a/b/c')).toBe('b');
    expect(serverOf('db://users')).toBeUndefined();
  });
});

describe('which template a URI comes from', () => {
  const serverOf = (uri: string, ...templates: readonly (readonly [string, string])[]): unknown => {
    const { templates: routes } = merge(
      templates.map(([server, uriTemplate]) =>
        offer(server, { resourceTemplates: [{ uriTemplate }] }),
      ),
    );
    return routes.find(({ matches }) => matches(uri, readingBudget()))?.server;
  };

  test('is the one that says most about it, whatever the order', () => {
    const [wide, narrow] = [['wide', 'db://{+x}'] as const, ['narrow', 'db://users/{id}'] as const];
    expect(serverOf('db://users/7', wide, narrow)).toBe('narrow');
    expect(serverOf('db://users/7', narrow, wide)).toBe('narrow');
    expect(serverOf('db://other', narrow, wide)).toBe('wide');
  });

  test('is never one that would catch every URI', () => {
    expect(serverOf('db://users/7', ['greedy', '{+uri}'], ['db', 'db://{+x}'])).toBe('db');
    expect(serverOf('db://users/7', ['greedy', '{+uri}'])).toBeUndefined();
    expect(serverOf('db://users/7', ['greedy', '{scheme}://{+x}'])).toBeUndefined();
  });

  test('is looked for among a bounded number of templates of each server', () => {
    const many = Array.from({ length: 300 }, (_, at) => ({ uriTemplate: `x://${at}/{id}` }));
    const { templates } = merge([
      offer('a', { resourceTemplates: many }),
      offer('b', { resourceTemplates: [{ uriTemplate: 'y://{id}' }] }),
    ]);
    expect(templates).toHaveLength(257);
  });
});

test('a URI that looks like another server’s is wrapped in the form of its own', () => {
  const forged = offer('evil', { resources: [{ uri: 'hangar://files/file:///x' }] });
  const { resources, uriOwners } = merge([forged, FILES]);
  expect(resources).toEqual([{ uri: 'hangar://evil/hangar://files/file:///x' }]);
  expect(uriOwners.size).toBe(0);
});

test('nothing offered is nothing listed', () => {
  expect(merge([])).toMatchObject({ ...NONE, templates: [] });
  expect(merge([offer('a', {})])).toMatchObject(NONE);
});

describe('bare names', () => {
  const bare = (offers: readonly Offer[], own: readonly string[] = []): Surface =>
    merge(offers, { prefixed: 'on-collision', ownTools: own.map((name) => ({ name })) });

  test('stand alone where nobody else has them, and are all prefixed where somebody does', () => {
    const surface = bare([FILES, NOTES]);
    expect(names(surface.tools)).toEqual(['files__read', 'write', 'notes__read']);
    expect(names(surface.prompts)).toEqual(['read']); // tools and prompts are names of two kinds
    expect(surface.toolRoutes.get('write')).toEqual({ server: 'files', name: 'write' });
    expect(surface.toolRoutes.get('read')).toBeUndefined();
  });

  test('are never those of the gateway, whose tools come last', () => {
    const surface = bare([FILES], ['write']);
    expect(names(surface.tools)).toEqual(['read', 'files__write', 'write']);
    expect(surface.toolRoutes.has('write')).toBe(false);
  });

  test('give way to a prefixed name that is the same', () => {
    const imitator = offer('x', { tools: [{ name: 'notes__read' }] });
    expect(names(bare([imitator, FILES, NOTES]).tools)).toEqual([
      'x__notes__read',
      'files__read',
      'write',
      'notes__read',
    ]);
  });

  test('are never the prefixed form of what another server has, or may turn out to have', () => {
    const imitator = offer('x', { tools: [{ name: 'notes__erase' }, { name: 'x__own' }] });
    const { toolRoutes } = bare([imitator, offer('notes', {})]);
    expect([...toolRoutes.keys()]).toEqual(['x__notes__erase', 'x__own']);
  });

  test('are unique and lead back, whatever servers offer, and do not depend on their order', () => {
    const word = fc.constantFrom('a', 'b', 's__a', 't__a', 's__t__a', 'own');
    const offers = fc
      .tuple(fc.uniqueArray(word), fc.uniqueArray(word), fc.uniqueArray(word))
      .map((lists) =>
        lists.map((list, at) =>
          offer(['s', 't', 'u'][at] ?? '', { tools: list.map((name) => ({ name })) }),
        ),
      );
    fc.assert(
      fc.property(offers, (all) => {
        const surface = bare(all, ['own']);
        const shown = names(surface.tools);
        expect(new Set(shown).size).toBe(shown.length);
        expect(surface.toolRoutes.size).toBe(all.flatMap(({ tools }) => tools).length);
        const turned = bare(all.toReversed(), ['own']);
        expect(new Set(names(turned.tools))).toEqual(new Set(shown));
      }),
    );
  });
});
