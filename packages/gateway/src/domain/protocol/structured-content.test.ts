import { describe, expect, test } from 'vitest';
import type { JsonObject } from './json-rpc.ts';
import { legacyTool, legacyToolResult, wrapsOutput } from './structured-content.ts';

const schemaOf = (outputSchema: unknown): unknown =>
  legacyTool({ name: 't', outputSchema })['outputSchema'];
const resultIn = (outputSchema: JsonObject): unknown =>
  (schemaOf(outputSchema) as { properties: { result: unknown } }).properties.result;
/** A number as it is kept where its text would change. */
const kept = (text: string): unknown =>
  (JSON as unknown as { rawJSON(source: string): unknown }).rawJSON(text);

describe('the schema of an output', () => {
  test.each([{ type: 'array' }, { type: ['object', 'null'] }, { anyOf: [{ type: 'object' }] }, {}])(
    '%j is wrapped',
    (outputSchema) => {
      expect(wrapsOutput({ name: 't', outputSchema })).toBe(true);
      expect(schemaOf(outputSchema)).toEqual({
        type: 'object',
        properties: { result: outputSchema },
        required: ['result'],
      });
    },
  );

  test.each([{ type: 'object' }, undefined, true])('%j is left alone', (outputSchema) => {
    const tool = { name: 't', outputSchema };
    expect(wrapsOutput(tool)).toBe(false);
    expect(legacyTool(tool)).toBe(tool);
  });

  test('names its dialect outside', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    expect(schemaOf({ $schema, type: 'number' })).toMatchObject({ $schema, type: 'object' });
  });

  test('has its pointers lead to where it stands, and touches no data', () => {
    const schema = {
      type: 'array',
      items: { $ref: '#/$defs/a' },
      $defs: {
        a: { anyOf: [{ $ref: '#' }, { $dynamicRef: '#/$defs/b' }, { $ref: 'other.json#/x' }] },
        const: { $ref: '#/$defs/a' },
        b: { const: { $ref: '#' }, enum: [{ $ref: '#' }], default: 1, examples: [{ $ref: '#' }] },
      },
      properties: { $ref: { $ref: '#/$defs/b' }, default: { $ref: '#anchor' } },
    };
    expect(resultIn(schema)).toEqual({
      type: 'array',
      items: { $ref: '#/properties/result/$defs/a' },
      $defs: {
        a: {
          anyOf: [
            { $ref: '#/properties/result' },
            { $dynamicRef: '#/properties/result/$defs/b' },
            { $ref: 'other.json#/x' },
          ],
        },
        const: { $ref: '#/properties/result/$defs/a' },
        b: schema.$defs.b,
      },
      properties: {
        $ref: { $ref: '#/properties/result/$defs/b' },
        default: { $ref: '#anchor' },
      },
    });
  });

  test('keeps pointers below a root of its own', () => {
    const own = { $id: 'https://x.test/s', items: { $ref: '#' } };
    expect(resultIn(own)).toEqual(own);
    expect(resultIn({ items: own, not: { $id: '#here', $ref: '#' } })).toEqual({
      items: own,
      not: { $id: '#here', $ref: '#/properties/result' },
    });
  });

  test('recurses to itself in the dialect that has a word for it', () => {
    const $schema = 'https://json-schema.org/draft/2019-09/schema';
    const items = { $recursiveRef: '#' };
    expect(resultIn({ $schema, items })).toMatchObject({ items: { $ref: '#/properties/result' } });
    const two = { $recursiveRef: '#', $ref: '#/a', allOf: [{}] };
    expect(resultIn({ $schema, items: two })).toMatchObject({
      items: { $ref: '#/properties/result/a', allOf: [{}, { $ref: '#/properties/result' }] },
    });
    expect(resultIn({ items })).toEqual({ items });
    expect(resultIn({ $schema, $recursiveAnchor: true, items })).toMatchObject({ items });
  });

  test('keeps numbers as they were written, however deep it nests', () => {
    expect(resultIn({ multipleOf: kept('1.0') })).toEqual({ multipleOf: kept('1.0') });
    let deep: JsonObject = { $ref: '#' };
    for (let level = 0; level < 5_000; level += 1) deep = { not: deep };
    expect(wrapsOutput({ outputSchema: deep })).toBe(true);
    expect(() => schemaOf(deep)).not.toThrow();
  });
});

describe('a structured result', () => {
  test('that is an object stays what it is, unless its schema was wrapped', () => {
    const result = { content: [], structuredContent: { a: 1 }, x: 1 };
    expect(legacyToolResult(result, false)).toBe(result);
    expect(legacyToolResult(result, true)).toEqual({
      ...result,
      structuredContent: { result: { a: 1 } },
    });
  });

  test.each([[[1]], [7], ['x'], [null], [false]])('%j is wrapped and told as text', (value) => {
    expect(legacyToolResult({ content: [], structuredContent: value }, false)).toEqual({
      content: [{ type: 'text', text: JSON.stringify(value) }],
      structuredContent: { result: value },
    });
  });

  test('is told as text once, beside what is no text', () => {
    const text = { type: 'text', text: 'own' };
    const image = { type: 'image', data: '' };
    const told = (content: unknown): unknown =>
      legacyToolResult({ content, structuredContent: [1] }, true)['content'];
    expect(told([image, text])).toEqual([image, text]);
    expect(told([image])).toEqual([image, { type: 'text', text: '[1]' }]);
    expect(told(undefined)).toEqual([{ type: 'text', text: '[1]' }]);
  });

  test('that is a number keeps its digits', () => {
    const result = legacyToolResult({ structuredContent: kept('12345678901234567890') }, true);
    expect(JSON.stringify(result)).toBe(
      '{"structuredContent":{"result":12345678901234567890},"content":[{"type":"text","text":"12345678901234567890"}]}',
    );
  });

  test('that is none is left alone', () => {
    const result = { content: [] };
    expect(legacyToolResult(result, true)).toBe(result);
  });
});
