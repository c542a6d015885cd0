import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { LineOutput } from './line-output.ts';

interface Recorded {
  readonly output: LineOutput;
  readonly stream: Writable;
  readonly outstanding: { size: number };
  /** What each write to the stream was. */
  readonly writes: string[];
  readonly gone: string[];
  /** Lets the client take what it has not taken; from then on it takes everything at once. */
  readonly read: () => void;
}

function record(reads: boolean, bytesMax = 1_000): Recorded {
  const writes: string[] = [];
  const gone: string[] = [];
  const held: (() => void)[] = [];
  let isReading = reads;
  const take = (chunks: readonly Buffer[], done: () => void): void => {
    writes.push(Buffer.concat(chunks).toString('latin1'));
    if (isReading) done();
    else held.push(done);
  };
  const stream = new Writable({
    highWaterMark: 64,
    write: (chunk: Buffer, _encoding, done) => take([chunk], done),
    writev: (chunks, done) =>
      take(
        chunks.map(({ chunk }) => chunk as Buffer),
        done,
      ),
  });
  const outstanding = { size: 0 };
  const onGone = (reason: string): void => void gone.push(reason);
  const output = new LineOutput({ stream, bytesMax, outstanding, onGone });
  const read = (): void => {
    isReading = true;
    for (const done of held.splice(0)) done();
  };
  return { output, stream, outstanding, writes, gone, read };
}

test('with few requests outstanding each line leaves at once', () => {
  const { output, outstanding, writes } = record(true);
  outstanding.size = 7;
  output.write('a');
  output.writeParts(['b', 'c']);
  expect(writes).toEqual(['a\n', 'bc\n']);
});

test('with many outstanding the lines of one turn leave together, in order', async () => {
  const { output, outstanding, writes } = record(true);
  outstanding.size = 8;
  output.write('a');
  outstanding.size = 1;
  output.write('b');
  expect(writes).toEqual([]);
  await settled();
  expect(writes).toEqual(['a\nb\n']);
  output.write('c');
  expect(writes).toEqual(['a\nb\n', 'c\n']);
});

test('a line in buffers overtakes none before it, and leaves in one write', () => {
  const { output, outstanding, writes } = record(true);
  outstanding.size = 8;
  output.write('a');
  output.writeParts(['{', Buffer.from('x'.repeat(10)), '', '}']);
  expect(writes).toEqual(['a\n', `{${'x'.repeat(10)}}\n`]);
});

test('a client that leaves more unread than it may is gone, and nothing more is kept for it', () => {
  const { output, stream, gone } = record(false, 100);
  for (let line = 0; line < 200; line += 1) output.write('x'.repeat(9));
  expect(gone).toEqual(['client too slow']);
  expect(output.isGone).toBe(true);
  expect(stream.destroyed).toBe(true);
  expect(output.waitingBytes).toBeLessThanOrEqual(110);
});

test('what waits for the end of the turn counts too', () => {
  const { output, outstanding, gone } = record(true, 100);
  outstanding.size = 8;
  for (let line = 0; line < 11; line += 1) output.write('x'.repeat(9));
  expect(gone).toEqual([]);
  output.write('one more');
  expect(gone).toEqual(['client too slow']);
});

test('a stream that breaks is gone, and a second time it is not told', () => {
  const { output, stream, gone, writes } = record(true);
  stream.destroy(new Error('EPIPE'));
  stream.emit('error', new Error('once more'));
  output.write('a');
  output.writeParts([Buffer.from('b')]);
  expect({ gone, writes }).toEqual({ gone: ['output gone'], writes: [] });
});

test('the end waits until everything was taken', async () => {
  const { output, outstanding, stream, writes, read } = record(false);
  outstanding.size = 8;
  output.write('a');
  const end = output.end(10_000);
  output.writeParts([Buffer.from('b')]);
  read();
  await end;
  expect(writes.join('')).toContain('a\n');
  expect(stream.destroyed).toBe(true);
});

test('the end waits for a client that does not read no longer than it may', async () => {
  const { output, stream } = record(false);
  output.write('a');
  await output.end(20);
  expect(stream.destroyed).toBe(true);
});
