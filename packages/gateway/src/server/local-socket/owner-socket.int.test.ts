/** The owner's side of a real socket, with a service that answers each line, and the connector of the other gateways. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../../test/support/until.ts';
import { readFarewell } from '../../domain/local-socket/greeting.ts';
import { answerLine, QUESTION_BYTES_MAX, readQuestion } from '../../domain/local-socket/query.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { askOwner, callOwner, type OwnerAnswer } from '../../infrastructure/state/owner-link.ts';
import { OwnerSocket } from './owner-socket.ts';
import { QUESTIONS_MAX, type Tell } from './query-connection.ts';

const FACTS = { pid: 7, graceMs: 100, bodyBytesMax: 1_000, lineBytesMax: 1_000 };
let folder: string;
let path: string;
let owner: OwnerSocket;
/** What the service was given. */
let taken: string;
let http: Socket[];
/** Of every question that was asked. */
let asked: { readonly line: string; readonly signal: AbortSignal; readonly tell: Tell }[];

/** Answers every line with itself; closes when its input has ended. */
function echo(input: Readable, output: Writable): { readonly closed: Promise<unknown> } {
  input.on('data', (chunk: Buffer) => {
    taken += String(chunk);
    output.write(chunk);
  });
  const closed = new Promise((resolve) => input.on('end', resolve));
  void closed.then(() => output.end());
  return { closed };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-socket-'));
  path = join(folder, 's');
  taken = '';
  http = [];
  asked = [];
  owner = new OwnerSocket({
    digest: 'same',
    facts: FACTS,
    serveStream: echo,
    acceptHttp: (socket) => http.push(socket),
    answerQuery: (line, signal, tell) => {
      asked.push({ line, signal, tell });
      const question = readQuestion(line);
      return question?.query === 'wait'
        ? new Promise(() => undefined)
        : Promise.resolve(answerLine({ isOk: true, value: question }));
    },
  });
  await owner.listen(path);
});
afterEach(async () => {
  await owner.close();
  rmSync(folder, { recursive: true });
});

const linked = (answer: OwnerAnswer): Socket => {
  if (answer.kind !== 'linked') throw new Error(JSON.stringify(answer));
  return answer.socket;
};
/** Everything that comes until the other side ends. */
async function all(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
/** What the owner says to a first line. */
async function said(line: string): Promise<string> {
  const socket = connect(path);
  socket.write(line);
  return all(socket).catch((error: unknown) => String(error));
}

describe('Whoever connects', () => {
  test('is told what it must know, and served', async () => {
    const answer = await callOwner(path, 'mcp', 'same');
    expect(answer).toMatchObject({ kind: 'linked', facts: FACTS });
    const socket = linked(answer);
    socket.end('one\ntwo');
    const text = await all(socket);
    expect(text).toMatch(/^one\ntwo\{"hangar":1/);
    expect(readFarewell(text.slice('one\ntwo'.length).trimEnd())).toBe(7);
  });

  test('is refused with another configuration, version or want', async () => {
    expect(await callOwner(path, 'mcp', 'other')).toEqual({
      kind: 'refused',
      reason: 'other-configuration',
    });
    expect(await said('{"hangar":2,"want":"mcp","digest":"same"}\n')).toContain('other-version');
    expect(await said('{"hangar":1,"want":"tea","digest":"same"}\n')).toContain('unknown-want');
  });

  test.each(['GET / HTTP/1.1\n', '{}\n', 'x'.repeat(20_000)])(
    'is hung up on where it does not greet: %.20s',
    async (line) => {
      expect(await said(line)).not.toContain('hangar');
    },
  );

  test('may greet in pieces and go on at once', async () => {
    const socket = connect(path);
    socket.write('{"hangar":1,"want"');
    await new Promise((resolve) => setImmediate(resolve));
    socket.end(':"mcp","digest":"same"}\nfirst\n');
    expect(await all(socket)).toMatch(/"ok":true.*\nfirst\n/);
    expect(taken).toBe('first\n');
  });

  test('has its HTTP connection taken over', async () => {
    const socket = linked(await callOwner(path, 'http', 'same'));
    expect(http).toHaveLength(1);
    http[0]?.end('over');
    expect(await all(socket)).toBe('over');
  });

  test('finds nobody where nobody listens, or listens but does not speak', async () => {
    expect(await callOwner(join(folder, 'nothing'), 'mcp', 'same')).toEqual({ kind: 'absent' });
    const mute = createServer((socket) => socket.resume());
    const silent = join(folder, 'silent');
    await new Promise<void>((resolve) => mute.listen(silent, resolve));
    expect(await callOwner(silent, 'mcp', 'same')).toEqual({ kind: 'silent' });
    await new Promise((resolve) => mute.close(resolve));
  });
});

describe('A question', () => {
  const question = { query: 'list', input: { limit: 7, name: 'Zoë\n' } };

  test('is answered in one line, and the connection ends', async () => {
    const socket = linked(await callOwner(path, 'query', 'same'));
    expect(await askOwner(socket, question)).toEqual({ isOk: true, value: question });
    expect(socket.destroyed).toBe(true);
    expect(
      await said('{"hangar":1,"want":"query","digest":"same"}\n{"query":"a","input":{}}\n'),
    ).toMatch(/^\{"hangar":1,"ok":true.*\n\{"ok":true,"value":\{"query":"a","input":\{\}\}\}\n$/);
  });

  test('is answered whatever configuration the asker has', async () => {
    const socket = linked(await callOwner(path, 'query', 'other'));
    expect(await askOwner(socket, question)).toMatchObject({ isOk: true });
    for (const want of ['mcp', 'http', 'watch'] as const)
      expect(await callOwner(path, want, 'other')).toMatchObject({ reason: 'other-configuration' });
  });

  test('may be large in its answer', async () => {
    const long = { query: 'x'.repeat(3_000), input: {} };
    const socket = linked(await callOwner(path, 'query', 'same'));
    expect(await askOwner(socket, long)).toEqual({ isOk: true, value: long });
  });

  test('of more than 1 MiB is hung up on, and reaches nobody', async () => {
    const socket = linked(await callOwner(path, 'query', 'same'));
    expect(await askOwner(socket, { query: 'x'.repeat(QUESTION_BYTES_MAX), input: {} })).toBe(
      'ended',
    );
    expect(asked).toEqual([]);
  });

  test('has what precedes its answer in order, whatever time each is taken in', async () => {
    const taken: JsonObject[] = [];
    const socket = linked(await callOwner(path, 'query', 'same'));
    const onItem = async (item: JsonObject): Promise<void> => {
      taken.push(item);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const ending = new AbortController();
    const outcome = askOwner(
      socket,
      { query: 'wait', input: {} },
      { onItem, signal: ending.signal },
    );
    await until('it is asked', () => asked.length === 1);
    for (let n = 0; n < 100; n += 1) asked[0]?.tell({ n });
    await until('all are taken', () => taken.length === 100);
    expect(taken.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    ending.abort();
    expect(await outcome).toBe('ended');
    await until('the gateway is told', () => asked[0]?.signal.aborted === true);
  });

  test('whose asker does not read costs the gateway a bounded number of bytes, and is told so', async () => {
    const socket = linked(await callOwner(path, 'query', 'same'));
    socket.write('{"query":"wait","input":{}}\n');
    await until('it is asked', () => asked.length === 1);
    const [tell = () => undefined] = asked.map((one) => one.tell);
    const item = { text: 'x'.repeat(65_536) };
    for (let n = 0; n < 200; n += 1) tell(item);
    let read = '';
    socket.on('data', (chunk: Buffer) => {
      read += String(chunk);
    });
    socket.resume();
    await until('what was kept is read', () => read.endsWith('\n') && read.length > 65_536);
    expect(read.length).toBeLessThan(4_194_304);
    tell({ last: true });
    await until('the rest is told', () => read.includes('{"missed":'));
    expect(read.indexOf('{"missed":')).toBeLessThan(read.indexOf('{"item":{"last"'));
    socket.destroy();
  });

  test('is one of so many at one time: the next is refused, and answered again later', async () => {
    const open: Socket[] = [];
    for (let n = 0; n < QUESTIONS_MAX; n += 1) {
      const socket = linked(await callOwner(path, 'query', 'same'));
      socket.resume().write('{"query":"wait","input":{}}\n');
      open.push(socket);
    }
    await until('all are asked', () => asked.length === QUESTIONS_MAX);
    const over = linked(await callOwner(path, 'query', 'same'));
    expect(await askOwner(over, question)).toMatchObject({ isOk: false, code: 'GATEWAY_BUSY' });
    expect(asked).toHaveLength(QUESTIONS_MAX);
    for (const socket of open) socket.destroy();
    await until('there is room again', async () => {
      const next = linked(await callOwner(path, 'query', 'same'));
      const answer = await askOwner(next, question);
      return typeof answer === 'object' && answer.isOk;
    });
  });

  test('is not answered by what is no answer', async () => {
    const rogue = createServer((socket) => {
      socket.once('data', () => {
        socket.write('{"hangar":1,"ok":true,"pid":1,"grace_ms":1,"body_bytes_max":1,');
        socket.write('"line_bytes_max":1}\n');
        socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\n'));
      });
    });
    await new Promise<void>((resolve) => rogue.listen(join(folder, 'rogue'), resolve));
    const socket = linked(await callOwner(join(folder, 'rogue'), 'query', 'same'));
    expect(await askOwner(socket, question)).toBe('unreadable');
    await new Promise((resolve) => rogue.close(resolve));
  });

  test('that nobody waits for any more is told so to whoever works on it', async () => {
    const socket = linked(await callOwner(path, 'query', 'same'));
    socket.resume().write('{"query":"wait","input":{}}\n');
    await until('it is asked', () => asked.length === 1);
    expect(asked[0]?.signal.aborted).toBe(false);
    socket.destroy();
    await until('it is told', () => asked[0]?.signal.aborted === true);
  });

  test('to an owner that stops is refused', async () => {
    await owner.cut();
    expect(await callOwner(path, 'query', 'other')).toEqual({
      kind: 'refused',
      reason: 'stopping',
    });
  });
});

describe('An owner that stops', () => {
  test('hands on whole lines only, and says how far it came', async () => {
    const socket = linked(await callOwner(path, 'mcp', 'same'));
    const received = all(socket);
    socket.write('one\ntwo\nhal');
    while (taken !== 'one\ntwo\n') await new Promise((resolve) => setImmediate(resolve));
    await owner.cut();
    socket.write('f\nthree\n');
    const lines = (await received).trimEnd().split('\n');
    expect(lines).toContain('{"hangar":1,"stopping":true}');
    expect(readFarewell(lines.at(-1) ?? '')).toBe('one\ntwo\n'.length);
    expect(taken).toBe('one\ntwo\n');
    socket.destroy();
  });

  test('refuses everybody new until its socket is gone', async () => {
    const watch = linked(await callOwner(path, 'watch', 'same'));
    await owner.cut();
    expect(await callOwner(path, 'mcp', 'same')).toEqual({ kind: 'refused', reason: 'stopping' });
    const ended = all(watch).catch(() => undefined);
    await owner.close();
    await ended;
    expect(await callOwner(path, 'mcp', 'same')).toEqual({ kind: 'absent' });
  });
});
