/** Remote servers of others through the gateway: both SDKs, the reference server, every transport. */
import { describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type Config } from '../support/gateway.ts';
import type { Exchange } from '../support/http.ts';
import {
  conformanceOverHttp,
  everything,
  remote,
  sdkV1,
  type RemoteServer,
} from '../support/remote.ts';
import { ASKABLE, openPeer } from '../support/sdk-peers.ts';
import { until } from '../support/until.ts';

const gatewayFor = (server: RemoteServer, keys: Config = {}) =>
  startGateway({ mcp_servers: { far: remote(server.url, keys) } });

describe('SDK v1', () => {
  it.each(['sessions', 'json', 'stateless', 'sse'] as const)(
    'serves tools over HTTP with %s',
    async (mode) => {
      await using server = await sdkV1(mode);
      await using gateway = await gatewayFor(server);
      await using peer = await openPeer('SDK v1', gateway.url('far'));
      expect((await peer.listTools()).map(({ name }) => name)).toContain('echo');
      expect(await peer.callTool('echo', { words: 'Grüße 🌍' })).toBe('Grüße 🌍');
      const calls = Array.from({ length: 30 }, (_each, at) =>
        peer.callTool('echo', { words: `call ${at}` }),
      );
      expect(await Promise.all(calls)).toEqual(calls.map((_call, at) => `call ${at}`));
      expect(gateway.stderr()).toMatch(/mcp_server_started mcpServerId=far era=legacy/);
    },
  );

  it.each(['sessions', 'sse'] as const)('passes progress and questions with %s', async (mode) => {
    await using server = await sdkV1(mode);
    await using gateway = await gatewayFor(server);
    await using peer = await openPeer('SDK v1', gateway.url('far'), ASKABLE);
    const progress: number[] = [];
    expect(await peer.callTool('count', {}, (each) => progress.push(each))).toBe('counted');
    expect(progress).toEqual([1, 2, 3]);
    expect(await peer.callTool('ask', { who: 'the first' })).toContain('Ada Lovelace');
    expect(peer.asked).toEqual(['elicitation/create']);
  });

  it.each(['sessions', 'sse'] as const)('tells of changed lists with %s', async (mode) => {
    await using server = await sdkV1(mode);
    await using gateway = await gatewayFor(server);
    await using peer = await openPeer('SDK v1', gateway.url('far'));
    const before = (await peer.listTools()).length;
    await peer.callTool('grow');
    await until('the client hears of it', () =>
      peer.notifications.some(({ method }) => method === 'notifications/tools/list_changed'),
    );
    expect(await peer.listTools()).toHaveLength(before + 1);
  });
});

describe('The reference server', () => {
  it.each(['streamableHttp', 'sse'] as const)('works over %s', async (transport) => {
    await using server = await everything(transport);
    await using gateway = await gatewayFor(server);
    await using peer = await openPeer('SDK v2, legacy', gateway.url('far'), ASKABLE);
    const names = (await peer.listTools()).map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(16);
    expect(await peer.callTool('echo', { message: 'hello' })).toBe('Echo: hello');
    expect(
      await peer.callTool('trigger-sampling-request', { prompt: 'x', maxTokens: 5 }),
    ).toContain('sampled words');
    expect((await peer.listPrompts()).length).toBeGreaterThan(0);
    expect((await peer.listResources()).length).toBeGreaterThan(0);
  });
});

describe('A server of both eras', () => {
  it('serves each client in its own, and is found out by server/discover', async () => {
    await using server = await conformanceOverHttp('dual');
    await using gateway = await gatewayFor(server);
    for (const kind of ['SDK v1', 'SDK v2, legacy', 'SDK v2, modern'] as const) {
      await using peer = await openPeer(kind, gateway.url('far'));
      expect(await peer.callTool('test_simple_text')).toMatch(/^This is a simple text response/);
    }
    expect(gateway.stderr()).toMatch(/mcp_server_started mcpServerId=far era=legacy/);
    expect(gateway.stderr()).toMatch(/mcp_server_started mcpServerId=far era=modern/);
  });

  it.each([
    ['legacy', 'modern'],
    ['modern', 'legacy'],
  ] as const)('is spoken to as "era: %s" says, and never as %s', async (era, other) => {
    await using server = await conformanceOverHttp('dual');
    await using gateway = await gatewayFor(server, { era });
    for (const kind of ['SDK v2, legacy', 'SDK v2, modern'] as const) {
      await using peer = await openPeer(kind, gateway.url('far'));
      expect(await peer.callTool('test_simple_text')).toMatch(/^This is a simple text response/);
    }
    expect(gateway.stderr()).toContain(`era=${era}`);
    expect(gateway.stderr()).not.toContain(`era=${other}`);
  });
});

describe('A server of one era', () => {
  it.each([
    ['legacy', 'SDK v2, modern'],
    ['modern', 'SDK v2, legacy'],
  ] as const)('(%s) serves %s across eras', async (era, kind) => {
    await using server = await conformanceOverHttp(era);
    await using gateway = await gatewayFor(server);
    await using peer = await openPeer(kind, gateway.url('far'));
    expect(await peer.callTool('test_simple_text')).toMatch(/^This is a simple text response/);
    const args = { region: 'eu', count: 3, dry_run: true, note: 'n' };
    // The gateway makes the headers that the tool's schema asks for.
    expect(await peer.callTool('test_x_mcp_header', args)).toMatch(/^Received/);
  });

  it.each([
    ['legacy', 'modern', /does not answer "server\/discover", and "era: modern"/],
    ['modern', 'legacy', /Cannot start MCP server "far"/],
  ] as const)('(%s) refuses to be spoken to as %s', async (is, era, says) => {
    await using server = await conformanceOverHttp(is);
    await using gateway = await gatewayFor(server, { era });
    const message = await modernCall(gateway.url('far'), 'test_simple_text').answer();
    expect(message.error?.message).toMatch(says);
  });
});

describe('A server that restarts', () => {
  it.each([
    ['modern', 'SDK v2, modern'],
    ['legacy', 'SDK v2, legacy'],
  ] as const)('(%s) is heard again, and its lists are read again', async (era, kind) => {
    const first = await conformanceOverHttp(era);
    await using gateway = await gatewayFor(first);
    await using peer = await openPeer(kind, gateway.url('far'));
    const heard = (): number =>
      peer.notifications.filter(({ method }) => method.endsWith('tools/list_changed')).length;
    const before = (await peer.listTools()).length;
    if (kind === 'SDK v2, modern') await peer.listen();
    await peer.callTool('test_simple_text');
    await first.kill();
    await using second = await conformanceOverHttp(era, first.port);
    expect(second.port).toBe(first.port);
    await until('a call works again', () =>
      peer.callTool('test_simple_text').then(
        () => true,
        () => false,
      ),
    );
    // The change is told on a stream that has to be open again.
    await until('the change is heard', async () => {
      const already = heard();
      await peer.callTool('test_trigger_tool_change');
      return until('a notification', () => heard() > already, 500).catch(() => false);
    });
    await until('the lists are read', async () => {
      const { length } = await peer.listTools();
      return length === before || length === before + 1;
    });
  });
});

describe('Messages of one session on many streams', () => {
  const answer = (client: LegacyClient, id: unknown, name: string): Exchange =>
    client.post(
      JSON.stringify({ jsonrpc: '2.0', id, result: { action: 'accept', content: { name } } }),
    );

  it('go to exactly the call that they came with, also where two clients share the session', async () => {
    await using server = await conformanceOverHttp('legacy');
    await using gateway = await gatewayFor(server, { sharing: 'shared' });
    const open = () => LegacyClient.open(gateway.url('far'), { capabilities: ASKABLE });
    const [first, second] = [await open(), await open()];
    const calls = [first, second, first].map((client) => client.call('test_tool_with_logging'));
    for (const call of calls) {
      await call.answer();
      const logged = call.messages().filter(({ method }) => method === 'notifications/message');
      expect(logged.length).toBeGreaterThanOrEqual(3);
      expect(logged).toHaveLength(3);
    }
  });

  it('carry questions to the call that asks, while another is in flight', async () => {
    await using server = await sdkV1('sessions');
    await using gateway = await gatewayFor(server);
    const client = await LegacyClient.open(gateway.url('far'), { capabilities: ASKABLE });
    const [one, two] = [client.call('ask', { who: 'one' }), client.call('ask', { who: 'two' })];
    for (const [call, who] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      const question = await call.notified('elicitation/create');
      expect(question.params?.['message']).toBe(`Name of ${who}?`);
      await answer(client, question.id, who.toUpperCase()).ended;
    }
    expect(textOf(await one.answer())).toBe('one: {"name":"ONE"}');
    expect(textOf(await two.answer())).toBe('two: {"name":"TWO"}');
  });
});
