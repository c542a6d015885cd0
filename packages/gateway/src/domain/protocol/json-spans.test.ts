import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../../test-kit/cpu-time.ts';
import { hasSpan, locate, spanText, splice, type Plan } from './json-spans.ts';

/** A JSON text in pieces, so that it can be written in many ways. Numbers are kept as they are written. */
type Tree =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly Tree[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Tree])[] };

const PATHS: readonly (readonly string[])[] = [
  ['id'],
  ['params', 'name'],
  ['params', 'deep', 'token'],
  ['params', 'deep', 'io.x/y'],
];
const PLAN: Plan = { id: 0, params: { name: 1, deep: { token: 2, 'io.x/y': 3 } } };
const SLOTS = 4;

const KEYS = 'id params name deep token io.x/y __proto__ constructor toString 0 ключ a"b \\'
  .split(' ')
  .concat('', '\u2028');
const NUMBERS = '0 -0 1.0 12345678901234567890 1e400 -1.5E-3 0.1e+2 true false null'.split(' ');

/** Any unit of UTF-16, halves of pairs too. */
const anyChar = fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code));

const anyTree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('text' as const), text: fc.string({ unit: anyChar }) }),
    fc.record({ kind: fc.constant('literal' as const), text: fc.constantFrom(...NUMBERS) }),
    fc.record({
      kind: fc.constant('array' as const),
      items: fc.array(tie('tree'), { maxLength: 4 }),
    }),
    objectWith({}, tie('tree')),
  ),
})).tree;

/** An object with any members, and often with the wanted ones. */
function objectWith(
  wanted: Readonly<Record<string, fc.Arbitrary<Tree>>>,
  other: fc.Arbitrary<Tree>,
): fc.Arbitrary<Tree> {
  const anyMember = fc.oneof(
    fc.tuple(fc.constantFrom(...KEYS), other),
    ...Object.entries(wanted).map(([key, value]) => fc.tuple(fc.constant(key), value)),
  );
  return fc.record({
    kind: fc.constant('object' as const),
    members: fc.uniqueArray(anyMember, { selector: ([key]) => key, maxLength: 6 }),
  });
}

const anyDeep = objectWith({ token: anyTree, 'io.x/y': anyTree }, anyTree);
const anyParams = objectWith({ name: anyTree, deep: anyDeep }, anyTree);
const anyObject = objectWith({ id: anyTree, params: anyParams }, anyTree);

const SPACES = ['', '', ' ', '\n\t', '\r\n  ', '    '];

/** Writes the tree with the white space and escapes that `pick` chooses. */
function write(tree: Tree, pick: (below: number) => number): string {
  const space = (): string => SPACES[pick(SPACES.length)] ?? '';
  const text = (value: string): string => {
    const plain = JSON.stringify(value);
    return pick(3) > 0 ? plain : plain.replaceAll(/[A-Za-z/]/g, (char) => escaped(char, plain));
  };
  const body = (): string => {
    switch (tree.kind) {
      case 'text':
        return text(tree.text);
      case 'literal':
        return tree.text;
      case 'array':
        return `[${tree.items.map((item) => write(item, pick)).join(',')}${space()}]`;
      case 'object': {
        const members = tree.members.map(
          ([key, value]) => `${space()}${text(key)}${space()}:${write(value, pick)}`,
        );
        return `{${members.join(',')}${space()}}`;
      }
    }
  };
  return `${space()}${body()}${space()}`;
}

/** `\u0069` for `i`; texts that have escapes already are left alone. */
const escaped = (char: string, whole: string): string =>
  whole.includes('\\') ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

const anyText: fc.Arbitrary<string> = fc
  .tuple(anyObject, fc.infiniteStream(fc.nat({ max: 59 })))
  .map(([tree, choices]) => write(tree, (below) => Number(choices.next().value) % below));

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    const isPlain = typeof at === 'object' && at !== null && !Array.isArray(at);
    at = isPlain && Object.hasOwn(at as object, key) ? (at as never)[key] : undefined;
  }
  return at;
}

/** Where the spans say something else than JSON.parse; undefined where they agree. */
function disagreement(text: string, value: unknown): string | undefined {
  const spans = locate(text, PLAN, SLOTS);
  if (spans === undefined) return 'nothing was located';
  for (const [slot, path] of PATHS.entries()) {
    const raw = spanText(text, spans, slot);
    const read: unknown = raw === undefined ? undefined : JSON.parse(raw);
    if (!isDeepStrictEqual(read, valueAt(value, path))) return `${path.join('.')} is not ${raw}`;
    if (raw !== raw?.trim()) return `${path.join('.')} has white space around it`;
  }
  return undefined;
}

describe('locating values', () => {
  test('finds what JSON.parse finds, however the text is written', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(disagreement(text, JSON.parse(text))).toBeUndefined();
      }),
      { numRuns: 400 },
    );
  });

  test('gives a number as it was written', () => {
    const text = '{"id" : 12345678901234567890,"params":{"name":1.0e+2 }}';
    const spans = locate(text, PLAN, SLOTS);
    expect(spans && spanText(text, spans, 0)).toBe('12345678901234567890');
    expect(spans && spanText(text, spans, 1)).toBe('1.0e+2');
    expect(spans && hasSpan(spans, 2)).toBe(false);
  });

  test('reads a key that is written with escapes', () => {
    const text = String.raw`{"\u0069d":1,"par\u0061ms":{"n\u0061me":"\"\\"}}`;
    const spans = locate(text, PLAN, SLOTS);
    expect(spans && spanText(text, spans, 0)).toBe('1');
    expect(spans && spanText(text, spans, 1)).toBe(String.raw`"\"\\"`);
  });

  test('takes members of other places and words inside strings for nothing', () => {
    const text = '{"x":{"id":1,"params":{"name":2}},"y":"\\"id\\":3","params":[{"name":4}]}';
    const spans = locate(text, PLAN, SLOTS);
    expect(spans && [0, 1, 2, 3].map((slot) => hasSpan(spans, slot))).toEqual(
      Array.from({ length: SLOTS }, () => false),
    );
  });

  test.each([
    ['a value', '{"id":1,"id":1}'],
    ['a value under an escaped key', String.raw`{"id":1,"\u0069d":2}`],
    ['a value below', '{"params":{"name":1,"x":0,"name":2}}'],
    ['the way to values', '{"params":{"name":1},"params":{"deep":{"token":2}}}'],
    ['the way to values, once as no object', '{"params":null,"params":{"name":1}}'],
    ['the way to values, below', '{"params":{"deep":{"token":1},"deep":{}}}'],
  ])('answers undefined where %s stands twice', (_what, text) => {
    expect(locate(text, PLAN, SLOTS)).toBeUndefined();
  });

  test.each([
    ['a value', '{"ID":2,"id":1}'],
    ['a value that is not there', '{"Id":2}'],
    ['a value under an escaped key', String.raw`{"id":1,"\u0049D":2}`],
    ['the way to values', '{"Params":{"name":1}}'],
    ['a value below', '{"params":{"deep":{"to\u212aen":1}}}'],
  ])('answers undefined where %s stands under a name of another case', (_what, text) => {
    expect(locate(text, PLAN, SLOTS)).toBeUndefined();
  });

  test('minds no case in other places', () => {
    const text = '{"id":7,"NAME":1,"params":{"ID":2,"x":{"Token":3}}}';
    const spans = locate(text, PLAN, SLOTS);
    expect(spans && spanText(text, spans, 0)).toBe('7');
  });

  test('does not mind other members that stand twice', () => {
    const text = '{"x":1,"id":7,"x":2}';
    const spans = locate(text, PLAN, SLOTS);
    expect(spans && spanText(text, spans, 0)).toBe('7');
  });

  test('knows no members that every object inherits', () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const text = `{"${key}":{"${key}":{"${key}":{"id":1}}},"id":2}`;
      const spans = locate(text, PLAN, SLOTS);
      expect(spans && spanText(text, spans, 0)).toBe('2');
    }
  });
});

describe('text that is no JSON', () => {
  test('is never located when it is cut short', () => {
    fc.assert(
      fc.property(anyText, fc.double({ min: 0, max: 1, noNaN: true }), (text, share) => {
        const cut = text.slice(0, Math.floor(share * text.trimEnd().length));
        fc.pre(cut.length < text.trimEnd().length);
        expect(locate(cut, PLAN, SLOTS)).toBeUndefined();
      }),
      { numRuns: 400 },
    );
  });

  test('never makes it throw, and what is still JSON is still read right', () => {
    const anyEdit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      drop: fc.nat({ max: 3 }),
      insert: fc.string({
        unit: fc.constantFrom(...Array.from('{}[]",:\\ 1u0id\n')),
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(anyText, fc.array(anyEdit, { minLength: 1, maxLength: 3 }), (text, edits) => {
        let broken = text;
        for (const { at, drop, insert } of edits) {
          const start = Math.floor(at * broken.length);
          broken = broken.slice(0, start) + insert + broken.slice(start + drop);
        }
        const spans = locate(broken, PLAN, SLOTS);
        const isRead = spans !== undefined && parsed(broken) !== undefined;
        expect(isRead ? disagreement(broken, parsed(broken)) : undefined).toBeUndefined();
      }),
      { numRuns: 700 },
    );
  });

  test.each(['', ' ', '{', '}', '[]', '1', '"x"', 'null', '{"id"}', '{"id":}', '{,}', '{"a":1,}'])(
    'answers undefined for %j',
    (text) => {
      expect(locate(text, PLAN, SLOTS)).toBeUndefined();
    },
  );

  test.each(['{"id":1} x', '{"id":1}{', '{"id" 1}', '{"id":"a"b}', "{'id':1}", '\ufeff{"id":1}'])(
    'answers undefined for %j, too',
    (text) => {
      expect(locate(text, PLAN, SLOTS)).toBeUndefined();
    },
  );
});

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

describe('splicing', () => {
  const anyEdits = fc.uniqueArray(
    fc.record({
      slot: fc.nat({ max: SLOTS - 1 }),
      text: fc.constantFrom('0', '"$&"', '"ä"', '99999999999999999999'),
    }),
    { selector: ({ slot }) => slot },
  );

  test('changes the wanted values and not one byte beside them', () => {
    fc.assert(
      fc.property(anyText, anyEdits, (text, edits) => {
        const spans = locate(text, PLAN, SLOTS);
        if (spans === undefined) throw new Error('not located');
        const marks = edits.map(({ slot }) => ({ slot, text: `\u0000${slot}\u0000` }));
        const out = splice(text, spans, marks);
        const back = out.replaceAll(/\0(\d)\0/g, (_mark, slot) =>
          String(spanText(text, spans, Number(slot))),
        );
        expect(back).toBe(text);
      }),
    );
  });

  test('gives JSON with the new values', () => {
    fc.assert(
      fc.property(anyText, anyEdits, (text, edits) => {
        const spans = locate(text, PLAN, SLOTS);
        if (spans === undefined) throw new Error('not located');
        const value: unknown = JSON.parse(splice(text, spans, edits));
        const before: unknown = JSON.parse(text);
        for (const [slot, path] of PATHS.entries()) {
          const edit = edits.find((candidate) => candidate.slot === slot);
          const expected = edit && hasSpan(spans, slot) ? JSON.parse(edit.text) : undefined;
          expect(valueAt(value, path)).toEqual(expected ?? valueAt(before, path));
        }
      }),
    );
  });
});

describe('a megabyte of malice', () => {
  const MEGABYTE = 1_000_000;
  const fill = (text: string): string => text.repeat(Math.ceil(MEGABYTE / text.length));
  /** A linear scan takes some milliseconds; a quadratic one would take minutes. */
  const BUDGET_MS = 400;

  test.each([
    ['backslashes', `{"id":"${fill('\\')}`],
    ['backslashes in a key', `{"${fill('\\')}":1}`],
    ['escaped quotes', `{"id":"${fill('\\"')}`],
    ['quotes', fill('"')],
    ['quotes in an object', `{${fill('"')}`],
    ['empty strings in an array', `{"id":[${fill('"",')}`],
    ['opening brackets', `{"id":${fill('[')}`],
    ['opening braces', fill('{')],
    ['closing brackets', `{"id":[${fill(']')}`],
    ['objects in objects', fill('{"params":')],
    ['ways to values in ways to values', fill('{"params":{"deep":')],
    ['members', `{${fill('"a":1,')}"id":1}`],
    ['escaped members', `{${fill('"\\u0061":1,')}"id":1}`],
    ['white space', `{${fill(' ')}"id"${fill('\n')}:1}`],
    ['digits', `{"id":${fill('1')}}`],
    ['commas', `{"id":1${fill(',')}}`],
  ])('is crossed in linear time: %s', (_what, text) => {
    expect(cpuMs(() => locate(text, PLAN, SLOTS))).toBeLessThan(BUDGET_MS);
  });
});

// The trees above are only as good as their variety.
test('the generated texts hold every wanted value now and then', () => {
  const texts = fc.sample(anyText, { numRuns: 200, seed: 7 });
  const found = PATHS.map(
    (path) => texts.filter((text) => valueAt(JSON.parse(text), path) !== undefined).length,
  );
  expect(Math.min(...found)).toBeGreaterThan(0);
});
