import { Fault } from '@mcp-hangar/kernel/errors';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../protocol/json-rpc.ts';
import { argumentsText, checkArguments } from './call-arguments.ts';

const SCHEMA: JsonObject = {
  type: 'object',
  required: ['path'],
  properties: {
    path: { type: 'string' },
    count: { type: 'integer' },
    ratio: { type: ['number', 'null'] },
    deep: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'integer' } },
    level: { enum: ['low', 'high'] },
    either: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    filter: { $ref: '#/$defs/Filter' },
    'dotted.name': { type: 'string' },
    anything: {},
  },
  $defs: { Filter: { type: 'object', properties: { since: { type: 'integer' } } } },
};

const faultOf = (work: () => unknown): Fault => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error('nothing was refused');
};

describe('Arguments as they are typed', () => {
  test.each([
    [['path=.'], '{"path":"."}'],
    [['path=1'], '{"path":"1"}'],
    [['path=a=b'], '{"path":"a=b"}'],
    [['path='], '{"path":""}'],
    [['path=x', 'count=12345678901234567890'], '{"path":"x","count":12345678901234567890}'],
    [['path=x', 'ratio=1.0', 'deep=true'], '{"path":"x","ratio":1.0,"deep":true}'],
    [['path=x', 'ratio=null'], '{"path":"x","ratio":null}'],
    [['path=x', 'tags=a', 'tags=2'], '{"path":"x","tags":["a","2"]}'],
    [['path=x', 'tags=a'], '{"path":"x","tags":["a"]}'],
    [['path=x', 'tags=["a","b"]'], '{"path":"x","tags":["a","b"]}'],
    [['path=x', 'sizes=1', 'sizes=2'], '{"path":"x","sizes":[1,2]}'],
    [['path=x', 'either=7'], '{"path":"x","either":7}'],
    [['path=x', 'either=seven'], '{"path":"x","either":"seven"}'],
    [['path=x', 'filter.since=3'], '{"path":"x","filter":{"since":3}}'],
    [['path=x', 'filter={"since":4}'], '{"path":"x","filter":{"since":4}}'],
    [['path=x', 'dotted.name=y'], '{"path":"x","dotted.name":"y"}'],
    [['path=x', 'anything=[1'], '{"path":"x","anything":"[1"}'],
    [['path=x', 'anything=1', 'anything=b'], '{"path":"x","anything":[1,"b"]}'],
  ])('%j become %s', (words, text) => {
    expect(argumentsText(words, SCHEMA)).toBe(text);
    expect(JSON.parse(text)).toBeTypeOf('object');
  });

  test.each([
    [['path'], '"path" is no argument', 'write NAME=VALUE'],
    [['pth=x'], 'the tool has no argument "pth"', 'did you mean "path"?'],
    [[], 'the tool needs "path", which is missing', 'add path=…'],
    [['path=x', 'count=many'], 'argument "count" is "many"', 'expected integer'],
    [['path=x', 'count=1.5'], 'argument "count" is "1.5"', 'expected integer'],
    [['path=x', 'deep=yes'], 'argument "deep" is "yes"', 'expected boolean'],
    [['path=x', 'level=hihg'], 'argument "level" is "hihg"', 'did you mean "high"?'],
    [['path=x', 'path=y'], 'argument "path" is given 2 times', undefined],
    [
      ['path=x', 'filter={}', 'filter.since=1'],
      'argument "filter" is given as a whole and in parts',
      undefined,
    ],
  ])('%j are refused: %s', (words, message, fix) => {
    const fault = faultOf(() => argumentsText(words, SCHEMA));
    expect(fault.code).toBe('INPUT_INVALID');
    expect(fault.message).toBe(message);
    expect(fault.data?.['fix']).toBe(fix);
  });

  test('of a tool without a schema, or with an open one, may have any name', () => {
    expect(argumentsText(['a=1', 'b=true', 'c=x'])).toBe('{"a":1,"b":true,"c":"x"}');
    const open = { properties: { path: {} }, additionalProperties: true };
    expect(argumentsText(['other=1'], open)).toBe('{"other":1}');
    const none = { type: 'object', properties: {} };
    expect(faultOf(() => argumentsText(['a=1'], none)).data?.['fix']).toBe(
      'the tool takes no arguments',
    );
  });
});

test('arguments that come as an object are checked for what is missing, and for what a closed schema lacks', () => {
  checkArguments({ path: 'x', other: 1 }, SCHEMA);
  expect(faultOf(() => checkArguments({}, SCHEMA)).message).toContain('"path"');
  const closed = { ...SCHEMA, additionalProperties: false };
  expect(faultOf(() => checkArguments({ path: 'x', othr: 1 }, closed)).message).toContain('othr');
});
