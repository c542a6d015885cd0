import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutText, membersOf, withFirst, without, type Member } from './json-edits.ts';

const anyObject = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 6,
});
const anyIndent = fc.constantFrom(undefined, 1, '\t', '\r\n');

const join = (text: string, ...edits: Parameters<typeof cutText>[1][]): string =>
  cutText(text, edits.flat()).join('');

describe('the members of an object', () => {
  test('are found however it is written', () => {
    fc.assert(
      fc.property(anyObject, anyIndent, (value, indent) => {
        const text = ` ${JSON.stringify(value, undefined, indent)}`;
        const found = membersOf(text, 0)?.map(({ key, start, valueStart, end }: Member) => [
          key,
          JSON.parse(text.slice(valueStart, end)),
          text[start],
        ]);
        const read = JSON.parse(text) as object; // an object was written
        expect(found).toEqual(Object.entries(read).map(([key, member]) => [key, member, '"']));
      }),
    );
  });

  test('are unknown where no object stands, or not all of it', () => {
    for (const text of ['', '[]', '7', '"{}"', '{', '{"a"', '{"a":', '{"a":1', '{"a" 1}', '{1:2}'])
      expect(membersOf(text, 0)).toBeUndefined();
    expect(membersOf('{}', 0)).toEqual([]);
    expect(membersOf('[ {"a":1}]', 1)?.map(({ key }) => key)).toEqual(['a']);
  });
});

test('members that are left out and put in leave an object with the rest as it stood', () => {
  fc.assert(
    fc.property(anyObject, anyIndent, fc.func(fc.boolean()), (value, indent, leavesOut) => {
      const text = JSON.stringify(value, undefined, indent);
      const members = membersOf(text, 0) ?? [];
      const isLeftOut = ({ key }: Member): boolean => leavesOut(key);
      const kept = members.filter((member) => !isLeftOut(member));
      const left = join(text, without(members, isLeftOut));
      expect(membersOf(left, 0)?.map(({ start, end }) => left.slice(start, end))).toEqual(
        kept.map(({ start, end }) => text.slice(start, end)),
      );
      const first = withFirst(0, '"new":[1]', kept.length === 0);
      const both = join(text, [first], without(members, isLeftOut));
      const found = membersOf(both, 0) ?? [];
      expect(found[0]).toMatchObject({ key: 'new', valueStart: 7, end: 10 });
      expect(() => void JSON.parse(both)).not.toThrow();
      expect(found).toHaveLength(kept.length + 1);
    }),
  );
});

test('a text is cut where places are left open, in whatever order the edits come', () => {
  const edits = [
    { start: 6, end: 8, text: 'X' },
    { start: 0, end: 1 },
    { start: 3, end: 3, text: '+' },
    { start: 3, end: 5 },
  ];
  expect(cutText('0123456789', edits)).toEqual(['', '12+', '5X89']);
  expect(cutText('0123', [])).toEqual(['0123']);
});
