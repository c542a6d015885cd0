import { describe, expect, test } from 'vitest';
import {
  askingUser,
  Listener,
  userOf,
  worldOf,
  type World,
} from '../../../test-kit/server-world.ts';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { Told } from '../../../test-kit/scripted-process.ts';
import { readServerLine, type ServerMessage } from '../../domain/protocol/server-message.ts';
import type { UpstreamCall } from '../ports.ts';
import { GATEWAY, NOBODY, updatedUri, type Child, type ServerNotification } from './child.ts';
import type { ServerUser } from './mcp-server.ts';

async function running(
  user: ServerUser,
  capabilities = {},
): Promise<World & { readonly child: Child; readonly says: (message: object) => void }> {
  const world = worldOf({}, { hello: { capabilities } });
  const child = await world.server.take(user);
  const says = (message: object): void => world.launcher.connections[0]?.says({ ...message });
  return { ...world, child, says };
}
const linesOf = ({ launcher }: World): readonly unknown[] => launcher.connections[0]?.lines ?? [];
/** A call of `owner` on whose stream something comes; of the gateway itself where there is none. */
const callOf = (owner?: Listener): UpstreamCall => Object.assign(new Told(), owner && { owner });
const read = (message: object): ServerMessage => {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  const found = readServerLine(text);
  if (found === undefined) throw new Error(`no message: ${text}`);
  return found;
};
const LOG = { method: 'notifications/message', params: { data: 1 } };

describe('a request of a child', () => {
  test('for life is answered by the gateway', async () => {
    const world = await running(askingUser());
    world.says({ id: 'p1', method: 'ping' });
    expect(linesOf(world)).toEqual([{ jsonrpc: '2.0', id: 'p1', result: {} }]);
    expect(world.child.bound).toBe(false);
  });

  test('goes to its owner, and one for the roots binds it', async () => {
    const owner = new Listener();
    const { child, says } = await running(askingUser(owner));
    says({ id: 1, method: 'elicitation/create' });
    expect(child.bound).toBe(false);
    says({ id: 2, method: 'roots/list' });
    expect(owner.requests.map(({ rawId }) => rawId)).toEqual(['1', '2']);
    expect(child.bound).toBe(true);
  });

  test('that its owner fails at is answered, is logged, and costs nothing else', async () => {
    class Failing extends Listener {
      override serverRequest(): void {
        throw new Error('a defect');
      }
      override serverNotification(): void {
        throw new Error('another');
      }
    }
    const world = await running(askingUser(new Failing()));
    world.says({ id: 3, method: 'elicitation/create' });
    world.says(LOG);
    world.says({ id: 4, method: 'ping' });
    expect(linesOf(world)).toMatchObject([
      { id: 3, error: { code: -32_603 } },
      { id: 4, result: {} },
    ]);
    expect(world.child.isGone).toBe(false);
  });

  test.each([
    ['is shared', userOf()],
    ['has an owner that cannot be asked', userOf(NOBODY, { wantsLogs: true })],
  ])('is refused where it %s', async (_why, user) => {
    const world = await running(user);
    world.says({ id: 9, method: 'sampling/createMessage' });
    expect(linesOf(world).at(-1)).toMatchObject({ id: 9, error: { code: -32601 } });
  });
});

describe('what a child says on its own', () => {
  test('about lists and resources is everybody’s', async () => {
    const world = await running(userOf());
    const methods = ['tools/list_changed', 'prompts/list_changed', 'resources/updated'];
    for (const method of methods) world.says({ method: `notifications/${method}` });
    expect(world.changed).toEqual(methods.map((method) => `notifications/${method}`));
  });

  test('is its owner’s, and binds it', async () => {
    const owner = new Listener();
    const { child, says } = await running(askingUser(owner));
    says(LOG);
    expect(owner.notifications.map(({ method }) => method)).toEqual(['notifications/message']);
    expect(child.bound).toBe(true);
  });

  test('is the only client’s of a shared child, and nobody’s from the second on', async () => {
    const [one, two] = [new Listener(), new Listener()];
    const { server, says } = await running(userOf(one));
    says(LOG);
    expect(one.notifications).toHaveLength(1);
    await server.take(userOf(two));
    says(LOG);
    expect([one.notifications.length, two.notifications.length]).toEqual([1, 0]);
  });

  test('is not the gateway’s, whose own work makes it no client', async () => {
    const world = await running({ ...userOf(), owner: GATEWAY });
    world.child.end(1, true);
    const owner = new Listener();
    await world.server.take(userOf(owner));
    world.says(LOG);
    expect(owner.notifications).toHaveLength(1);
  });
});

describe('a child', () => {
  test('is told the log level of its owner before it works for it', async () => {
    const owner = new Listener();
    owner.logLevel = 'warning';
    const world = await running(userOf(owner, { wantsLogs: true }), { logging: {} });
    expect(linesOf(world)).toMatchObject([
      { method: 'logging/setLevel', params: { level: 'warning' } },
    ]);
    expect(world.child.bound).toBe(true);
    world.child.end(1, true);
    await world.server.take(userOf(owner, { wantsLogs: true }));
    expect(linesOf(world)).toHaveLength(1);
    await world.server.close();
  });

  test('that does not log is not told', async () => {
    const owner = new Listener();
    owner.logLevel = 'debug';
    const world = await running(userOf(owner, { wantsLogs: true }));
    expect(linesOf(world)).toEqual([]);
  });

  test('that may log late for a modern client that wanted it is lent to no other one', async () => {
    const owner = new Listener();
    owner.logLevel = 'debug';
    const wanting = { era: 'modern', wantsLogs: true, isOneClient: false } as const;
    const world = await running(userOf(owner, wanting));
    world.child.end(1, true);
    const next = await world.server.take(userOf(new Listener(), wanting));
    expect(next).not.toBe(world.child);
    await settled();
    expect(world.child.isGone).toBe(true);
  });

  test('tells its owner that it has ended', async () => {
    const owner = new Listener();
    const { child, launcher } = await running(askingUser(owner));
    expect(child.isGone).toBe(false);
    launcher.connections[0]?.crash();
    expect(owner.ended).toEqual([child]);
    expect(child.isGone).toBe(true);
  });

  test('proves itself with its first answer, and only with an answer', async () => {
    const { child } = await running(userOf());
    child.end(1, false);
    expect(child.proved).toBe(false);
    child.begin(new Listener());
    child.end(2, true);
    expect(child.proved).toBe(true);
    expect(child.lastUsedAtMs).toBe(2);
  });

  test('has no owner while it works for two at once: nothing is guessed', async () => {
    const world = worldOf({ sharing: 'session' }, { hello: {} });
    const [one, two] = [new Listener(), new Listener()];
    const child = await world.server.take(userOf(one, { era: 'modern' }));
    expect(await world.server.take(userOf(two, { era: 'modern' }))).toBe(child);
    world.launcher.connections.at(-1)?.says({ id: 1, method: 'roots/list' });
    expect([one.requests, two.requests]).toEqual([[], []]);
  });

  test('has no owner after a call was given up: it may still ask for that one', async () => {
    const world = worldOf({ sharing: 'session' }, { hello: {} });
    const [one, two] = [new Listener(), new Listener()];
    const child = await world.server.take(userOf(one, { era: 'modern' }));
    child.spoiled = true; // what the end of a call does that was given up
    child.end(1, false);
    expect(await world.server.take(userOf(two, { era: 'modern' }))).toBe(child);
    world.launcher.connections.at(-1)?.says({ id: 1, method: 'roots/list' });
    expect([one.requests, two.requests]).toEqual([[], []]);
  });
});

test.each([
  [
    '{"method":"notifications/resources/updated","params":{"uri":"x://größe/\\u00e9"}}',
    'x://größe/é',
  ],
  ['{"method":"notifications/resources/updated","params":{"uri":7}}', undefined],
  ['{"method":"notifications/resources/updated"}', undefined],
  [String.raw`{"method":"notifications/resources/updated","params":{"uri":"a\q"}}`, undefined],
])('the resource that %s names is read', (line, uri) => {
  const read = readServerLine(Buffer.from(line).toString('latin1'));
  expect(updatedUri(read as ServerNotification)).toBe(uri);
});

describe('what comes on the stream of a call', () => {
  test('is for whoever made the call, also where many share the child', async () => {
    const [first, second] = [new Listener(), new Listener()];
    const { child } = await running(userOf(first));
    child.begin(second);
    const [question, note] = [read({ id: 1, method: 'elicitation/create' }), read(LOG)];
    if (question.kind === 'request') child.request(question, callOf(second));
    if (note.kind === 'notification') child.notification(note, callOf(first));
    expect(first.requests).toHaveLength(0);
    expect(second.requests).toHaveLength(1);
    expect(first.notifications).toHaveLength(1);
    expect(second.notifications).toHaveLength(0);
  });

  test("is for nobody where the call is the gateway's own", async () => {
    const owner = new Listener();
    const world = await running(askingUser(owner));
    const [question, note] = [read({ id: 7, method: 'elicitation/create' }), read(LOG)];
    if (question.kind === 'request') world.child.request(question, callOf());
    if (note.kind === 'notification') world.child.notification(note, callOf());
    expect(owner.requests).toHaveLength(0);
    expect(owner.notifications).toHaveLength(0);
    expect(linesOf(world).at(-1)).toMatchObject({ id: 7, error: { code: -32601 } });
  });
});
