import { Secret } from '@mcp-hangar/kernel/secret';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StderrBuffer } from './stderr-buffer.ts';

const bufferWith = (secrets: readonly string[] = []): StderrBuffer => {
  let nowMs = 0;
  return new StderrBuffer({
    nowMs: () => (nowMs += 1),
    secrets: secrets.map((value) => new Secret(value)),
  });
};

const linesOf = (buffer: StderrBuffer): readonly string[] => buffer.tail().map(({ line }) => line);

describe('the stderr buffer', () => {
  test('keeps lines with their time, whatever ends them', () => {
    const buffer = bufferWith();
    buffer.write(Buffer.from('one\ntwo\r\n\nfour'));
    expect(linesOf(buffer)).toEqual(['one', 'two', '']);
    buffer.end();
    expect(buffer.tail(2)).toEqual([
      { atMs: 3, line: '' },
      { atMs: 4, line: 'four' },
    ]);
    expect(buffer.tail(0)).toEqual([]);
  });

  test('keeps the last 1,000 lines', () => {
    const buffer = bufferWith();
    for (let line = 1; line <= 2_500; line += 1) buffer.write(Buffer.from(`${line}\n`));
    expect(linesOf(buffer)).toHaveLength(1_000);
    expect(linesOf(buffer)[0]).toBe('1501');
    expect(buffer.tail(1)[0]?.line).toBe('2500');
    expect(buffer.tailText(9)).toBe('2499\n2500');
    expect(buffer.tailText(6)).toBe('9\n2500');
  });

  test('cuts a line after 8,192 bytes, never inside a character', () => {
    const buffer = bufferWith();
    buffer.write(Buffer.from(`${'x'.repeat(8_192)}\n${'x'.repeat(8_193)}\n`));
    buffer.write(Buffer.from(`${'x'.repeat(8_191)}é\n`));
    for (let chunk = 0; chunk < 200; chunk += 1) buffer.write(Buffer.alloc(65_536, 'y'));
    buffer.write(Buffer.from('\nnext\n'));
    expect(linesOf(buffer)).toEqual([
      'x'.repeat(8_192),
      `${'x'.repeat(8_192)}...`,
      `${'x'.repeat(8_191)}...`,
      `${'y'.repeat(8_192)}...`,
      'next',
    ]);
  });

  test('replaces what is not UTF-8', () => {
    const buffer = bufferWith();
    buffer.write(Buffer.from([0x61, 0xff, 0x62, 0x0a]));
    expect(linesOf(buffer)).toEqual(['a\ufffdb']);
  });

  test('redacts secrets of four characters and more, the longest first', () => {
    const buffer = bufferWith(['abc', 'token', 'token-long', 'first line\nsecond line']);
    buffer.write(Buffer.from('abc token-long token tokentoken\nfirst line\nsecond line\n'));
    expect(linesOf(buffer)).toEqual([
      'abc [secret] [secret] [secret][secret]',
      '[secret]',
      '[secret]',
    ]);
  });

  test('shows no part of a secret at the cut', () => {
    const secret = 'S'.repeat(50) + 'T'.repeat(1_000);
    for (const before of [7_000, 8_150, 8_190, 8_192, 9_000]) {
      const buffer = bufferWith([secret]);
      buffer.write(Buffer.from(`${secret}${'x'.repeat(before)}${secret}${secret} and more\n`));
      expect(linesOf(buffer)[0]).toMatch(/^\[secret\]x+(\[secret\])*(\[?s?e?c?r?e?t?)\.\.\.$/);
    }
  });

  test('reads the same lines however the bytes are split', () => {
    const text = 'ein \u00e4rger\r\n\u{1f4a5} token \u{1f4a5}\n\nlast';
    const whole = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (cuts) => {
        const buffer = bufferWith(['token']);
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        bounds.slice(1).forEach((end, index) => buffer.write(whole.subarray(bounds[index], end)));
        buffer.end();
        expect(linesOf(buffer)).toEqual([
          'ein \u00e4rger',
          '\u{1f4a5} [secret] \u{1f4a5}',
          '',
          'last',
        ]);
      }),
    );
  });
});
