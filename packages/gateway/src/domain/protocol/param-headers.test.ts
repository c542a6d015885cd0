import { describe, expect, test } from 'vitest';
import {
  checkParamHeaders,
  hasUsableHeaders,
  mirroredParams,
  paramHeaders,
  type ParamHeader,
} from './param-headers.ts';

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

describe('a tool that a client over HTTP may offer', () => {
  const schema = (...properties: readonly object[]): object => ({
    type: 'object',
    properties: Object.fromEntries(properties.map((property, at) => [`p${at}`, property])),
  });
  const mirrored = (header: unknown, type: unknown = 'string'): object => ({
    type,
    'x-mcp-header': header,
  });

  test.each([
    ['no annotation', schema({ type: 'number' })],
    ['no schema at all', undefined],
    ['one of each type', schema(mirrored('A'), mirrored('B', 'integer'), mirrored('C', 'boolean'))],
    ['one further down', schema(schema(mirrored('A')))],
    ['the word as data', { ...schema(), description: 'x-mcp-header' }],
  ])('has %s', (_what, inputSchema) => {
    expect(hasUsableHeaders(inputSchema)).toBe(true);
  });

  test.each([
    ['an empty name', schema(mirrored(''))],
    ['a name with a space', schema(mirrored('My Region'))],
    ['a name beyond ASCII', schema(mirrored('Région'))],
    ['a name that is none', schema(mirrored(7))],
    ['a number', schema(mirrored('A', 'number'))],
    ['an object', schema(mirrored('A', 'object'))],
    ['no type', schema(mirrored('A', null))],
    ['one name twice', schema(mirrored('A'), mirrored('a'))],
    ['one name twice, on two levels', schema(mirrored('A'), schema(mirrored('A')))],
    ['one in a list', schema({ type: 'array', items: schema(mirrored('A')) })],
    ['one in an alternative', { anyOf: [schema(mirrored('A'))] }],
  ])('does not have %s', (_what, inputSchema) => {
    expect(hasUsableHeaders(inputSchema)).toBe(false);
  });
});

test('arguments are mirrored as plain values, and what is not there is not', () => {
  const wanted = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => ({ path: [key], header: `h-${key}` }));
  const args = { a: 'x', b: 7, c: false, d: null, e: { nested: 1 } };
  expect(mirroredParams(wanted, args)).toEqual([
    ['h-a', 'x'],
    ['h-b', '7'],
    ['h-c', 'false'],
  ]);
  expect(mirroredParams(wanted, undefined)).toEqual([]);
});
