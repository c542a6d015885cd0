/** Changes to inputs: of bits, bytes, stretches, numbers and words. */
import type { Random } from './random.ts';

const CHANGES_MAX = 6;
const NUMBERS: readonly string[] = [
  '0',
  '-1',
  '1',
  '255',
  '65535',
  '65536',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '12345678901234567890',
  '1e309',
  '-0',
  '1.0',
  '1e-7',
];
const BYTES: readonly number[] = [0, 10, 13, 32, 34, 44, 58, 92, 123, 125, 127, 128, 0xef, 255];

type Change = (input: Buffer, random: Random, others: Others) => Buffer;

export interface Others {
  readonly words: readonly string[];
  /** Another input of the corpus. */
  readonly another: () => Buffer;
}

/** The input with a few changes, no longer than `bytesMax`. */
export function mutated(
  input: Buffer,
  random: Random,
  others: Others & { readonly bytesMax: number },
): Buffer {
  let bytes = input;
  for (let left = 1 + random.below(CHANGES_MAX); left > 0; left -= 1)
    bytes = random.pick(CHANGES)(bytes, random, others);
  return bytes.length > others.bytesMax ? bytes.subarray(0, others.bytesMax) : bytes;
}

const replaced = (input: Buffer, start: number, end: number, put: Buffer): Buffer =>
  Buffer.concat([input.subarray(0, start), put, input.subarray(end)]);

/** Short ones are more likely. */
function stretch(input: Buffer, random: Random): readonly [start: number, end: number] {
  const start = random.below(input.length + 1);
  const room = input.length - start;
  const length = random.below(1 + (random.once(3) ? room : Math.min(room, 16)));
  return [start, start + length];
}

const flipBit: Change = (input, random) => {
  const copy = Buffer.from(input);
  const at = random.below(copy.length);
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
};

const setByte: Change = (input, random) => {
  const copy = Buffer.from(input);
  const byte = random.once(3) ? random.below(256) : random.pick(BYTES);
  if (copy.length > 0) copy[random.below(copy.length)] = byte;
  return copy;
};

const insertByte: Change = (input, random) => {
  const at = random.below(input.length + 1);
  return replaced(input, at, at, Buffer.from([random.pick(BYTES)]));
};

const remove: Change = (input, random) => {
  const [start, end] = stretch(input, random);
  return replaced(input, start, end, Buffer.alloc(0));
};

const repeat: Change = (input, random) => {
  const [start, end] = stretch(input, random);
  const times = 1 + random.below(random.once(8) ? 200 : 3);
  const part = input.subarray(start, end);
  return replaced(input, end, end, Buffer.concat(Array.from({ length: times }, () => part)));
};

const move: Change = (input, random) => {
  const [start, end] = stretch(input, random);
  const [from, to] = stretch(input, random);
  return replaced(input, from, to, Buffer.from(input.subarray(start, end)));
};

const insertWord: Change = (input, random, { words }) => {
  const [start, end] = stretch(input, random);
  const put = Buffer.from(words.length === 0 ? '' : random.pick(words));
  return replaced(input, start, random.once(2) ? start : end, put);
};

const splice: Change = (input, random, { another }) => {
  const other = another();
  const [start, end] = stretch(input, random);
  const [from, to] = stretch(other, random);
  return random.once(4)
    ? Buffer.concat([input.subarray(0, start), other.subarray(from)])
    : replaced(input, start, end, other.subarray(from, to));
};

const changeNumber: Change = (input, random) => {
  const text = input.toString('latin1');
  const found = [...text.matchAll(/-?\d+/g)];
  if (found.length === 0) return input;
  const { index, 0: digits } = random.pick(found);
  const near = String(Number(digits) + random.below(3) - 1);
  const put = random.once(2) ? near : random.pick(NUMBERS);
  return replaced(input, index, index + digits.length, Buffer.from(put));
};

const CHANGES: readonly Change[] = [
  flipBit,
  setByte,
  insertByte,
  remove,
  repeat,
  move,
  insertWord,
  insertWord,
  splice,
  changeNumber,
];
