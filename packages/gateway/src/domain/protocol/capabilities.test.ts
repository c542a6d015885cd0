import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  capabilitiesForLegacy,
  capabilitiesForModern,
  capabilityFor,
  capabilityKey,
  declaresAsking,
  NO_CAPABILITIES,
  NO_CAPABILITIES_KEY,
} from './capabilities.ts';

/** The same value with the members of its objects in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reordered(member)]),
  );
}

const anyCapabilities = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  .map((value) => JSON.parse(JSON.stringify(value)) as Readonly<Record<string, unknown>>);

describe('the key of capabilities', () => {
  test('is the same for the same capabilities, whatever their order', () => {
    fc.assert(
      fc.property(anyCapabilities, (capabilities) => {
        const other = reordered(capabilities) as typeof capabilities;
        expect(capabilityKey(other)).toBe(capabilityKey(capabilities));
      }),
    );
  });

  test('says all: what is parsed from it is what went in', () => {
    fc.assert(
      fc.property(anyCapabilities, (capabilities) => {
        expect(JSON.parse(capabilityKey(capabilities))).toEqual(capabilities);
      }),
    );
  });

  test('of none is pinned', () => {
    expect(capabilityKey(NO_CAPABILITIES)).toBe(NO_CAPABILITIES_KEY);
    expect(NO_CAPABILITIES_KEY).toBe('{}');
  });
});

test.each([
  [{}, false],
  [{ tools: {} }, false],
  [{ experimental: { sampling: {} } }, false],
  [{ sampling: {} }, true],
  [{ elicitation: { form: {} } }, true],
  [{ roots: { listChanged: true } }, true],
  [{ roots: false }, true],
])('a client that declares %j may be asked: %s', (capabilities, asks) => {
  expect(declaresAsking(capabilities)).toBe(asks);
});

test.each([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
  ['ping', undefined],
  ['constructor', undefined],
])('%s needs the capability %s', (method, capability) => {
  expect(capabilityFor(method)).toBe(capability);
});

describe('what a modern server is told of a legacy client', () => {
  test.each([
    ['nothing', {}, {}],
    ['roots, of whose changes it would not hear', { roots: { listChanged: true } }, { roots: {} }],
    ['forms, which are meant without a mode', { elicitation: {} }, { elicitation: { form: {} } }],
    ['the modes', { elicitation: { url: {} } }, { elicitation: { url: {} } }],
    ['sampling', { sampling: { tools: {} } }, { sampling: { tools: {} } }],
    ['experiments', { experimental: { x: { y: 1 } } }, { experimental: { x: { y: 1 } } }],
    ['no tasks', { tasks: { list: {} }, 'x-own': {} }, {}],
    [
      'extensions but that of tasks',
      {
        extensions: { 'io.modelcontextprotocol/tasks': {}, 'io.modelcontextprotocol/ui': { a: 1 } },
      },
      { extensions: { 'io.modelcontextprotocol/ui': { a: 1 } } },
    ],
    ['nothing that is no object', { sampling: true, roots: 1, elicitation: [] }, {}],
  ])('is %s', (_what, declared, told) => {
    expect(capabilitiesForModern(declared)).toEqual(told);
  });
});

describe('what a legacy server is told of a modern client', () => {
  test.each([
    ['nothing', {}, {}],
    ['what it can be asked for', { roots: {}, tools: {}, experimental: { x: {} } }, { roots: {} }],
    [
      'the features that servers know',
      { elicitation: { form: {}, url: {} }, sampling: { tools: {}, context: {} } },
      { elicitation: { form: {}, url: {} }, sampling: { tools: {}, context: {} } },
    ],
    [
      'no others, of which there is no end',
      {
        elicitation: { form: { x: 1 }, y: {} },
        sampling: { z: 'z' },
        roots: { listChanged: true },
      },
      { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } },
    ],
    ['nothing that is no object', { sampling: true, roots: 1, elicitation: [] }, {}],
  ])('is %s', (_what, declared, told) => {
    expect(capabilitiesForLegacy(declared)).toEqual(told);
  });
});
