import { duplexPair, type Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { firstLine } from './first-line.ts';

const BOUNDS = { bytesMax: 10, msMax: 60_000 };

/** Everything that is read from a stream until its end. */
async function rest(stream: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

test('is read without its newline, and what follows is still there', async () => {
  const [ours, theirs] = duplexPair();
  const line = firstLine(ours, BOUNDS);
  theirs.end('hello\nmore\n');
  expect(await line).toEqual({ kind: 'line', text: 'hello' });
  expect(ours.isPaused()).toBe(true);
  expect(await rest(ours)).toBe('more\n');
});

test('may come in pieces, also in the middle of a character', async () => {
  const [ours, theirs] = duplexPair();
  const line = firstLine(ours, BOUNDS);
  for (const byte of Buffer.from('Zoë 🜁\n')) theirs.write(Buffer.of(byte));
  expect(await line).toEqual({ kind: 'line', text: 'Zoë 🜁' });
});

test('is counted in bytes, and refused as soon as it is too long', async () => {
  for (const [text, kind] of [
    ['1234567890\n', 'line'],
    ['12345678901\n', 'overlong'],
    ['12345678901', 'overlong'],
    ['ééééé\n', 'line'],
    ['éééééé\n', 'overlong'],
  ] as const) {
    const [ours, theirs] = duplexPair();
    const line = firstLine(ours, BOUNDS);
    theirs.write(text);
    expect(await line).toMatchObject({ kind });
  }
});

test('is none where the stream ends, fails or is closed before', async () => {
  for (const end of [
    (stream: Duplex) => stream.end('hel'),
    (_theirs: Duplex, ours: Duplex) => ours.destroy(new Error('reset')),
    (_theirs: Duplex, ours: Duplex) => ours.destroy(),
  ]) {
    const [ours, theirs] = duplexPair();
    const line = firstLine(ours, BOUNDS);
    ours.on('error', () => undefined);
    end(theirs, ours);
    expect(await line).toEqual({ kind: 'ended' });
  }
});

test('is waited for no longer than it may take', async () => {
  const [ours, theirs] = duplexPair();
  theirs.write('hel');
  const line = firstLine(ours, { bytesMax: 10, msMax: 1 });
  const alive = setInterval(() => undefined, 1_000);
  expect(await line).toEqual({ kind: 'late' });
  clearInterval(alive);
});
