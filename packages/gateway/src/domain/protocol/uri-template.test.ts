import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../../test-kit/cpu-time.ts';
import { readingBudget, templateMatcher } from './uri-template.ts';

const textOf = (chars: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from(chars)) });

describe('a URI template', () => {
  test.each([
    ['file:///{name}', 'file:///a.txt', true],
    ['file:///{name}', 'file:///', true],
    ['file:///{name}', 'file:///a/b', false],
    ['file:///{name}', 'file:///a?b', false],
    ['file:///{name}', 'FILE:///a', false],
    ['file:///{+path}', 'file:///a/b?c#d', true],
    ['file://{/path*}', 'file:///a/b', true],
    ['file://{/path*}', 'file://', true],
    ['file://{/path*}', 'file://a', false],
    ['file://{/path*}/end', 'file:///a/b/end', true],
    ['file://{/path*}/end', 'file:///end', true],
    ['file://{/path*}/end', 'file:///a/b', false],
    ['x://q{?a,b}', 'x://q', true],
    ['x://q{?a,b}', 'x://q?a=1&b=2/3', true],
    ['x://q{?a,b}', 'x://q#a', false],
    ['x://q?z=1{&a}', 'x://q?z=1&a=2', true],
    ['x://q{#frag}', 'x://q#a/b?c', true],
    ['x://{a}-{b}', 'x://1-2-3', true],
    ['x://{a}-{b}', 'x://1', false],
    ['x://{a}{b}{c}', 'x://abc', true],
    ['x://plain', 'x://plain', true],
    ['x://plain', 'x://plain2', false],
    ['x://a.b', 'x://aXb', false],
    ['x://(a|b)*', 'x://(a|b)*', true],
    ['x://{open', 'x://{open', true],
    ['x://close}', 'x://close}', true],
    ['{x', '{x', true],
    ['{}', 'anything', true],
    ['', '', true],
    ['', 'x', false],
    ['db://{größe}', 'db://日本', true],
  ])('%s and %s match: %s', (template, uri, matches) => {
    expect(templateMatcher(template)(uri)).toBe(matches);
  });

  test('matches what is made from it', () => {
    const anyPart = fc.oneof(
      textOf('ab/?#.-').map((text) => [text, text] as const),
      textOf('ab.-').map((text) => ['{v}', text] as const),
      textOf('ab/?#').map((text) => ['{+v}', text] as const),
      textOf('ab/').map((text) => ['{/v}', `/${text}`] as const),
      textOf('ab/=').map((text) => ['{?v}', `?${text}`] as const),
      fc.constantFrom(['{/v}', ''] as const, ['{?v}', ''] as const),
    );
    fc.assert(
      fc.property(fc.array(anyPart, { maxLength: 6 }), (parts) => {
        const template = parts.map(([text]) => text).join('');
        const uri = parts.map(([, text]) => text).join('');
        expect(templateMatcher(template)(uri)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('that is longer than any real one matches nothing, and no URI that long is matched', () => {
    expect(templateMatcher('a'.repeat(512))('a'.repeat(512))).toBe(true);
    expect(templateMatcher('a'.repeat(513))('a'.repeat(513))).toBe(false);
    expect(templateMatcher('{+a}')('a'.repeat(8_192))).toBe(true);
    expect(templateMatcher('{+a}')('a'.repeat(8_193))).toBe(false);
  });

  test('reads no further than the budget of the request, over all templates together', () => {
    const matches = templateMatcher('x://{+a}{+b}');
    const uri = `x://${'a'.repeat(5_000)}`;
    expect(matches(uri)).toBe(true);
    expect(matches(uri, { steps: 5_000 })).toBe(false);
    const budget = readingBudget();
    let read = 0;
    while (matches(uri, budget)) read += 1;
    expect(read).toBeGreaterThan(50);
    expect(read).toBeLessThan(200);
  });

  /** Followed reading by reading, each of these would take longer than the sun lasts. */
  test.each([
    ['runs', `x://${'{a}'.repeat(165)}!`],
    ['runs and letters', `x://${'{a}a'.repeat(125)}!`],
    ['openers', `x://${'{?a}'.repeat(125)}!`],
    ['paths', `x://${'{/a}'.repeat(125)}!`],
    ['reserved runs', `x://${'{+a}a'.repeat(100)}!`],
  ])(
    'that is hostile costs no more than its length times that of the URI: %s',
    (_what, template) => {
      const matches = templateMatcher(template);
      const spentMs = cpuMs(() => {
        for (const unit of ['a', '/', '?a'])
          expect(matches(`x://${unit.repeat(8_180 / unit.length)}`)).toBe(false);
      });
      expect(spentMs).toBeLessThan(1_500);
    },
  );
});
