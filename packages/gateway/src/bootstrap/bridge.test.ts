import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { farewellLine } from '../domain/local-socket/greeting.ts';
import { Bridge, type Attachment } from './bridge.ts';

const FACTS = { graceMs: 1_000, bodyBytesMax: 200, lineBytesMax: 10_000 };

/** A gateway that does what the test says. */
class Gateway {
  readonly attachment: Attachment;
  readonly #theirs: Duplex;
  text = '';
  hasEnded = false;

  constructor() {
    const [ours, theirs] = duplexPair();
    this.attachment = { stream: ours, ...FACTS };
    this.#theirs = theirs;
    theirs.on('data', (chunk: Buffer) => {
      this.text += String(chunk);
    });
    theirs.on('end', () => {
      this.hasEnded = true;
    });
  }

  say(text: string): void {
    this.#theirs.write(text);
  }

  end(): void {
    this.#theirs.end();
  }
}

class World {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly first = new Gateway();
  shown = '';
  isOver = false;
  seeking = 0;
  readonly bridge: Bridge;
  #found: ((attachment: Attachment) => void) | undefined;
  #none: (() => void) | undefined;

  constructor() {
    this.output.on('data', (chunk: Buffer) => {
      this.shown += String(chunk);
    });
    this.bridge = new Bridge(
      {
        input: this.input,
        output: this.output,
        next: () => {
          this.seeking += 1;
          return new Promise((resolve, reject) => {
            this.#found = resolve;
            this.#none = () => reject(new Error('none'));
          });
        },
      },
      this.first.attachment,
    );
    void this.bridge.ended.then(() => {
      this.isOver = true;
    });
  }

  found(gateway: Gateway): void {
    this.#found?.(gateway.attachment);
  }

  none(): void {
    this.#none?.();
  }
}

/** Streams take a few turns to hand on what they have. */
async function settled(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await turn();
}
const ping = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`;
const call = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"tools/call"}\n`;
const answer = (id: number): string => `{"jsonrpc":"2.0","id":${id},"result":{}}\n`;

test('lines pass both ways, whole, and the end of the client ends it', async () => {
  const world = new World();
  world.input.write(call(1).slice(0, 9));
  await settled();
  expect(world.first.text).toBe('');
  world.input.end(call(1).slice(9).trimEnd());
  await settled();
  expect(world.first.text).toBe(call(1));
  expect(world.first.hasEnded).toBe(true);
  world.first.say(answer(1).slice(0, 5));
  world.first.say(answer(1).slice(5));
  world.first.say(farewellLine(call(1).length));
  world.first.end();
  await world.bridge.ended;
  expect(world.shown).toBe(answer(1));
});

test('what is said while there is no gateway waits for the next one', async () => {
  const world = new World();
  world.input.write(call(1));
  await settled();
  world.first.say('{"jsonrpc":"2.0","id":1,"resu');
  world.first.end();
  await settled();
  expect(JSON.parse(world.shown)).toMatchObject({
    id: 1,
    error: { data: { code: 'GATEWAY_ENDED' } },
  });
  world.input.write(call(2));
  await settled();
  const second = new Gateway();
  world.found(second);
  await settled();
  expect(second.text).toBe(call(2));
  second.say(answer(2));
  await settled();
  expect(world.shown.endsWith(answer(2))).toBe(true);
});

test('what the gateway had not read is sent to the next one', async () => {
  const world = new World();
  world.input.write(call(1) + call(2));
  await settled();
  world.first.say(answer(1) + farewellLine(call(1).length));
  world.first.end();
  await settled();
  const second = new Gateway();
  world.found(second);
  await settled();
  expect(world.shown).toBe(answer(1));
  expect(second.text).toBe(call(2));
});

test('a client that says very much while there is no gateway is not read any further', async () => {
  const world = new World();
  world.first.end();
  await settled();
  for (let id = 0; id < 1_000; id += 1) world.input.write(ping(id));
  await settled();
  expect(world.input.isPaused()).toBe(true);
  const second = new Gateway();
  world.found(second);
  await settled();
  world.input.write(ping(1_000));
  await settled();
  expect(second.text.split('\n')).toHaveLength(1_002);
});

test('a client that leaves while there is no gateway still has its answers', async () => {
  const world = new World();
  world.first.end();
  await settled();
  world.input.end(call(1));
  await settled();
  expect(world.isOver).toBe(false);
  const second = new Gateway();
  world.found(second);
  await settled();
  expect(second.hasEnded).toBe(true);
  second.say(answer(1));
  second.end();
  await world.bridge.ended;
  expect(world.shown).toBe(answer(1));
});

test('a client that leaves and waits for nothing waits for no gateway either', async () => {
  const world = new World();
  world.first.end();
  await settled();
  world.bridge.leave();
  await world.bridge.ended;
  const late = new Gateway();
  world.found(late);
  await settled();
  expect(late.attachment.stream.destroyed).toBe(true);
});

test('a client whose output is gone is over', async () => {
  const world = new World();
  world.output.destroy(new Error('EPIPE'));
  await world.bridge.ended;
  expect(world.first.attachment.stream.destroyed).toBe(true);
});

test('where there can be no gateway the client is over', async () => {
  const world = new World();
  world.first.end();
  await settled();
  world.none();
  await world.bridge.ended;
  expect(world.seeking).toBe(1);
});

test('gateways that all end at once are not tried for ever', async () => {
  const world = new World();
  world.first.end();
  for (let round = 0; round < 40 && !world.isOver; round += 1) {
    await settled();
    const next = new Gateway();
    next.end();
    world.found(next);
  }
  await world.bridge.ended;
  expect(world.seeking).toBe(20);
});

test('a line over the limit costs only itself', async () => {
  const world = new World();
  world.input.write(
    `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":"${'x'.repeat(300)}"}\n${ping(6)}`,
  );
  await settled();
  expect(JSON.parse(world.shown)).toMatchObject({
    id: 5,
    error: { data: { code: 'BODY_TOO_LARGE' } },
  });
  expect(world.first.text).toBe(ping(6));
});
