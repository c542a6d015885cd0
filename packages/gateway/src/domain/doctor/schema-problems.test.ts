import { describe, expect, test } from 'vitest';
import { schemaProblems } from './schema-problems.ts';

const object = (rest: object): object => ({ type: 'object', ...rest });
const kindsOf = (schema: unknown): readonly string[] =>
  schemaProblems(schema).map(({ kind }) => kind);

describe('a schema that is right', () => {
  test.each([
    [object({})],
    [
      object({
        properties: { a: true, b: {}, c: { type: ['string', 'null'], enum: ['x', null] } },
      }),
    ],
    [object({ properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'number' } } })],
    [object({ properties: { a: { $ref: '#' } } })],
    [object({ properties: { a: { $ref: '#here' } }, $defs: { x: { $anchor: 'here' } } })],
    [object({ properties: { a: { $ref: '#/$defs/a~1b%20c' } }, $defs: { 'a/b c': {} } })],
    [object({ anyOf: [{ required: ['a'] }, { not: { required: ['b'] } }] })],
    [object({ properties: { a: { type: 'array', items: [{ type: 'string' }], minItems: 0 } } })],
    // A property may be called like a keyword.
    [object({ properties: { type: { type: 'string' }, $ref: { type: 'string' } } })],
  ])('%j', (schema) => {
    expect(schemaProblems(schema)).toEqual([]);
  });
});

describe('a schema that is wrong', () => {
  test.each([
    [undefined, 'missing', 'is missing'],
    [null, 'not-object', 'is no object'],
    ['{}', 'not-object', 'is no object'],
    [[], 'not-object', 'is no object'],
    [{}, 'not-object', 'has no type; MCP wants "object"'],
    [{ type: 'string' }, 'not-object', 'has the type "string"; MCP wants "object"'],
    [object({ properties: [] }), 'invalid', 'is no valid JSON Schema: #/properties is no object'],
    [
      object({ properties: { a: 'string' } }),
      'invalid',
      'is no valid JSON Schema: #/properties/a is no schema',
    ],
    [
      object({ required: 'a' }),
      'invalid',
      'is no valid JSON Schema: #/required is not a list of names',
    ],
    [
      object({ properties: { a: { pattern: '(' } } }),
      'invalid',
      'is no valid JSON Schema: #/properties/a/pattern is not a regular expression',
    ],
    [
      object({ allOf: { type: 'object' } }),
      'invalid',
      'is no valid JSON Schema: #/allOf is no list',
    ],
    [
      object({ items: { minLength: -1 } }),
      'invalid',
      'is no valid JSON Schema: #/items/minLength is not a whole number from 0',
    ],
    [
      object({ $ref: '#/definitions/X' }),
      'ref',
      'has a $ref at # that leads nowhere: #/definitions/X',
    ],
    [
      object({ $ref: 'https://example.com/x.json' }),
      'ref',
      'has a $ref at # that leads out of the schema: https://example.com/x.json',
    ],
  ])('%j', (schema, kind, message) => {
    expect(schemaProblems(schema)).toEqual([{ kind, message }]);
  });

  test('is not looked at for ever', () => {
    let deep: object = { type: 'text' };
    for (let level = 0; level < 10_000; level += 1) deep = { properties: { a: deep } };
    expect(kindsOf(object({ properties: { deep } }))).toEqual([]);
    const wide = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, n) => [`p${n}`, { type: 1 }]),
    );
    expect(kindsOf(object({ properties: wide }))).toHaveLength(5);
  });
});
