import { describe, expect, test } from 'vitest';
import { checkParamHeaders, paramHeaders, type ParamHeader } from './param-headers.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    plain: { type: 'string' },
    paging: {
      type: 'object',
      properties: { size: { type: 'integer', 'x-mcp-header': 'Page-Size' } },
    },
    list: { type: 'array', items: { properties: { x: { 'x-mcp-header': 'Never' } } } },
    any: { anyOf: [{ properties: { y: { 'x-mcp-header': 'Never' } } }] },
  },
};
const REGION: ParamHeader = { path: ['region'], header: 'mcp-param-region' };
const SIZE: ParamHeader = { path: ['paging', 'size'], header: 'mcp-param-page-size' };

describe('the annotated arguments of a tool', () => {
  test('are those that properties alone lead to', () => {
    expect(paramHeaders(SCHEMA)).toEqual([REGION, SIZE]);
  });

  test.each([
    undefined,
    null,
    'x',
    [],
    {},
    { properties: null },
    { properties: [] },
    { properties: { a: true } },
    { properties: { a: { 'x-mcp-header': 5 } } },
  ])('are none in %j', (schema) => {
    expect(paramHeaders(schema)).toEqual([]);
  });

  test('are looked for to a bounded depth', () => {
    let schema: unknown = { 'x-mcp-header': 'Deep' };
    for (let level = 0; level < 5_000; level += 1) schema = { properties: { a: schema } };
    expect(paramHeaders(schema)).toEqual([]);
  });
});

describe('a call whose arguments are repeated in headers', () => {
  const check = (args: unknown, headers: Readonly<Record<string, string>>): string | undefined => {
    const wanted = paramHeaders(SCHEMA);
    const refusal = checkParamHeaders(wanted, args, (name) => headers[name]);
    expect(refusal?.code ?? -32020).toBe(-32020);
    return refusal?.message;
  };
  const missing = (header: string): string => `Header mismatch: ${header} is missing or not valid`;
  const differs = (header: string): string =>
    `Header mismatch: ${header} does not agree with the arguments`;

  test.each<[string, unknown, Readonly<Record<string, string>>, string | undefined]>([
    ['neither', {}, {}, undefined],
    ['no arguments at all', undefined, {}, undefined],
    ['a null argument and no header', { region: null }, {}, undefined],
    ['a text', { region: 'eu' }, { 'mcp-param-region': 'eu' }, undefined],
    ['an empty text', { region: '' }, { 'mcp-param-region': '' }, undefined],
    ['a number', { paging: { size: 10 } }, { 'mcp-param-page-size': '10' }, undefined],
    ['true', { region: true }, { 'mcp-param-region': 'true' }, undefined],
    ['headers that are not wanted', {}, { 'mcp-param-other': 'x' }, undefined],
    [
      'another case of a text',
      { region: 'EU' },
      { 'mcp-param-region': 'eu' },
      differs('mcp-param-region'),
    ],
    ['no header', { region: 'eu' }, {}, missing('mcp-param-region')],
    ['no argument', { plain: 'x' }, { 'mcp-param-region': 'eu' }, differs('mcp-param-region')],
    [
      'an inherited argument',
      { paging: {} },
      { 'mcp-param-page-size': '1' },
      differs('mcp-param-page-size'),
    ],
    [
      'another number',
      { paging: { size: 1 } },
      { 'mcp-param-page-size': '01e1' },
      differs('mcp-param-page-size'),
    ],
    [
      'an empty header for 0',
      { paging: { size: 0 } },
      { 'mcp-param-page-size': ' ' },
      differs('mcp-param-page-size'),
    ],
    [
      'False for false',
      { region: false },
      { 'mcp-param-region': 'False' },
      differs('mcp-param-region'),
    ],
    [
      'an object, which no header can repeat',
      { region: {} },
      { 'mcp-param-region': '{}' },
      differs('mcp-param-region'),
    ],
  ])('with %s', (_what, args, headers, refusal) => {
    expect(check(args, headers)).toBe(refusal);
  });

  test('takes no argument from a prototype', () => {
    const wanted: readonly ParamHeader[] = [{ path: ['constructor', 'name'], header: 'h' }];
    expect(checkParamHeaders(wanted, {}, () => undefined)).toBeUndefined();
  });
});
