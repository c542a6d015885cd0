/** What clients see of many servers: modes, names, hidden and disabled parts, through the real command. */
import { describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import { send, type Message } from '../support/http.ts';
import { openPeer, PEERS } from '../support/sdk-peers.ts';
import { until } from '../support/until.ts';
import { conformanceServer, Journal, upstream } from '../support/upstream.ts';

const namesIn = (message: Message, kind = 'tools'): readonly string[] =>
  ((message.result?.[kind] ?? []) as readonly { name: string }[]).map(({ name }) => name);
const listOf = async (client: LegacyClient, kind = 'tools'): Promise<readonly string[]> =>
  namesIn(await client.request(`${kind}/list`).answer(), kind);
const surfaceOf = (toolAccess: Config, servers: Config = {}): Promise<GatewayProcess> =>
  startGateway({
    tool_access: toolAccess,
    mcp_servers: { up: upstream(), docs: conformanceServer(), ...servers },
  });

describe('tool_access.mode', () => {
  it('hybrid, the default, shows servers and gateway; a path of one server shows that one only', async () => {
    await using gateway = await surfaceOf({});
    const client = await LegacyClient.open(gateway.url());
    const names = await listOf(client);
    expect(names).toEqual(expect.arrayContaining(['up__echo', 'registry_list']));
    expect(names.filter((name) => name.startsWith('hangar_'))).toEqual([]);
    expect(await listOf(client, 'prompts')).toContain('docs__test_simple_prompt');
    const single = await LegacyClient.open(gateway.url('up'));
    expect((await listOf(single)).filter((name) => name.startsWith('registry_'))).toEqual([]);
    expect((await single.call('registry_list').answer()).error).toMatchObject({ code: -32_602 });
    const answer = await modernCall(gateway.url('up'), 'registry_list').answer();
    expect(answer.error?.code).toBe(-32_602);
  });

  it('egress shows the gateway only, where prompts and resources do not exist', async () => {
    await using gateway = await surfaceOf({ mode: 'egress' });
    const client = await LegacyClient.open(gateway.url());
    expect(client.hello.result?.['capabilities']).toEqual({ tools: { listChanged: true } });
    expect((await listOf(client)).every((name) => name.startsWith('registry_'))).toBe(true);
    for (const [method, params] of [
      ['prompts/list', {}],
      ['prompts/get', { name: 'docs__test_simple_prompt' }],
      ['resources/list', {}],
      ['resources/templates/list', {}],
      ['resources/read', { uri: 'up://one' }],
      ['resources/subscribe', { uri: 'up://one' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'x' }, argument: {} }],
    ] as const) {
      expect((await client.request(method, params).answer()).error?.code).toBe(-32_601);
      const exchange = modern(gateway.url(), method, params);
      expect((await exchange.answer()).error?.code).toBe(-32_601);
      expect(exchange.status).toBe(404);
    }
    expect((await client.call('up__echo').answer()).error?.message).toBe('Unknown tool: up__echo');
    const call = { provider: 'up', tool: 'echo', arguments: { a: 1 } };
    expect(textOf(await client.call('registry_invoke', call).answer())).toContain('"a":1');
    expect(send(gateway.url('up'), {}).status).toBe(0);
    const refused = send(gateway.url('up'), {});
    await refused.ended;
    expect(refused.status).toBe(404);
  });

  it('egress ends the children of a session with it', async () => {
    await using journal = await Journal.open();
    await using gateway = await surfaceOf(
      { mode: 'egress' },
      { own: upstream([journal.option], { sharing: 'session' }) },
    );
    const client = await LegacyClient.open(gateway.url());
    await client.call('registry_invoke', { provider: 'own', tool: 'pid' }).answer();
    expect(journal.entries().filter(({ what }) => what === 'exit')).toEqual([]);
    await client.end();
    await until('its child ends', () => journal.entries().some(({ what }) => what === 'exit'));
  });

  it('front_door shows the servers only', async () => {
    await using gateway = await surfaceOf({ mode: 'front_door', gateway_tools: 'both' });
    const client = await LegacyClient.open(gateway.url());
    const names = await listOf(client);
    expect(names).toContain('up__echo');
    expect(names.filter((name) => /^(registry|hangar)_/.test(name))).toEqual([]);
    expect((await client.call('registry_list').answer()).error?.message).toBe(
      'Unknown tool: registry_list',
    );
  });

  it.each([
    ['registry', true, false],
    ['hangar', false, true],
    ['both', true, true],
    ['none', false, false],
  ])('gateway_tools: %s', async (families, hasRegistry, hasHangar) => {
    await using gateway = await startGateway({
      tool_access: { gateway_tools: families },
      mcp_servers: { up: upstream() },
    });
    const names = await listOf(await LegacyClient.open(gateway.url()));
    expect(names.includes('registry_invoke')).toBe(hasRegistry);
    expect(names.includes('hangar_list')).toBe(hasHangar);
    expect(names).toContain('up__echo');
  });
});

describe('tool_access.naming: bare', () => {
  it('prefixes all names that collide, with each other and with the gateway’s', async () => {
    await using gateway = await startGateway({
      tool_access: { naming: 'bare' },
      mcp_servers: {
        one: upstream(['--tools=2']),
        two: upstream(),
        docs: conformanceServer(),
        imitator: upstream([], {
          tools: [{ name: 'registry_list' }, { name: 'two__echo' }, { name: 'lonely' }],
        }),
      },
    });
    const client = await LegacyClient.open(gateway.url());
    const names = await until('both are listed', async () => {
      const listed = await listOf(client);
      return listed.includes('two__pid') && listed.includes('test_simple_text') && listed;
    });
    expect(names).toEqual(
      expect.arrayContaining([
        'extra-0',
        'one__echo',
        'two__echo',
        'lonely',
        'registry_list',
        'imitator__registry_list',
        'imitator__two__echo',
      ]),
    );
    expect(names).not.toContain('echo');
    expect(new Set(names).size).toBe(names.length);
    const call = { name: 'two__echo', arguments: { a: 1 } };
    expect(textOf(await client.request('tools/call', call).answer())).toContain('"name":"echo"');
    expect(await listOf(client, 'prompts')).toContain('test_simple_prompt');
    const prompt = await client.request('prompts/get', { name: 'test_simple_prompt' }).answer();
    expect(prompt.result).toHaveProperty('messages');
    // A client that kept the longer form, or the shorter one, is helped.
    expect(textOf(await client.call('docs__test_simple_text').answer())).not.toBe('');
    const { error } = await client.call('echo').answer();
    expect(error?.message).toBe('Unknown tool: echo (did you mean "one__echo" or "two__echo"?)');
  });

  it('changes a name when a collision appears, and clients hear of it once', async () => {
    await using gateway = await startGateway({
      tool_access: { naming: 'bare' },
      catalog: { first_list_wait_ms: 600 },
      mcp_servers: { fast: upstream(), slow: upstream(['--boot=slow', '--boot-ms=2000']) },
    });
    const client = await LegacyClient.open(gateway.url());
    const stream = await client.listen();
    const first = await listOf(client);
    expect(first).toContain('echo');
    expect(first).toContain('registry_list');
    const heard = (): number =>
      stream.messages().filter(({ method }) => method === 'notifications/tools/list_changed')
        .length;
    // Once for the server that was fast, once for the one that brought the collision.
    await until('the client hears of both', () => heard() === 2);
    const second = await listOf(client);
    expect(second).toEqual(expect.arrayContaining(['fast__echo', 'slow__echo', 'registry_list']));
    expect(second).not.toContain('echo');
    expect(heard()).toBe(2);
  });
});

describe('tools.hide', () => {
  it('takes tools out of lists and calls, whichever way they are named', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        up: upstream([], { tools: { hide: ['crash', 'ha*', '[ef]*'] } }),
        declared: upstream(['--boot=exit'], {
          predefined_tools: [{ name: 'shown' }, { name: 'secret_one' }],
          tools: { hide: ['secret_*'] },
        }),
      },
    });
    const client = await LegacyClient.open(gateway.url());
    const single = await LegacyClient.open(gateway.url('up'));
    const names = await listOf(client);
    expect(names).toEqual(expect.arrayContaining(['up__pid', 'declared__shown']));
    for (const hidden of ['crash', 'hang', 'echo', 'fail', 'flood']) {
      expect(names).not.toContain(`up__${hidden}`);
      expect((await client.call(`up__${hidden}`).answer()).error?.message).toBe(
        `Unknown tool: up__${hidden}`,
      );
      expect(await listOf(single)).not.toContain(hidden);
      expect((await single.call(hidden).answer()).error?.message).toBe(`Unknown tool: ${hidden}`);
      const direct = await modernCall(gateway.url('up'), hidden).answer();
      expect(direct.error?.message).toBe(`Unknown tool: ${hidden}`);
      const call = { provider: 'up', tool: hidden };
      expect(textOf(await client.call('registry_invoke', call).answer())).toContain(
        `unknown_tool: ${hidden}`,
      );
    }
    expect(names).not.toContain('declared__secret_one');
    const tools = await client.call('registry_tools', { provider: 'up' }).answer();
    expect(JSON.stringify(tools)).not.toContain('"crash"');
    const details = await client.call('registry_details', { provider: 'up' }).answer();
    expect(JSON.stringify(details)).not.toContain('"crash"');
  });
});

describe('enabled: false', () => {
  it('keeps a server from being started, listed and reached; status pages name it', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      catalog: { warm: 'boot' },
      mcp_servers: { up: upstream(), off: upstream([journal.option], { enabled: false }) },
    });
    const client = await LegacyClient.open(gateway.url());
    expect((await listOf(client)).filter((name) => name.startsWith('off'))).toEqual([]);
    expect((await client.call('off__echo').answer()).error?.code).toBe(-32_602);
    const refused = send(gateway.url('off'), {});
    await refused.ended;
    expect(refused.status).toBe(404);
    const listed = textOf(await client.call('registry_list').answer());
    expect((JSON.parse(listed) as { providers: unknown[] }).providers).toContainEqual({
      provider: 'off',
      state: 'disabled',
      mode: 'subprocess',
      alive: false,
      tools_count: 0,
      health_status: 'unknown',
      tools_predefined: false,
      note: 'disabled in the configuration (enabled: false)',
    });
    const status = textOf(await client.call('registry_status').answer());
    expect((JSON.parse(status) as { providers: unknown[] }).providers).toContainEqual({
      id: 'off',
      indicator: '🚫',
      state: 'disabled',
      mode: 'subprocess',
      note: 'disabled in the configuration (enabled: false)',
    });
    const warm = textOf(await client.call('registry_warm').answer());
    expect(warm).not.toContain('off');
    expect(journal.starts()).toEqual([]);
  });
});

describe.each(PEERS)('%s in front of several servers', (kind) => {
  it('gets prompts, resources, templates and completions of each', async () => {
    await using gateway = await startGateway({
      mcp_servers: { a: conformanceServer(), up: upstream(), b: conformanceServer() },
    });
    await using peer = await openPeer(kind, gateway.url());
    const prompts = await until('all are listed', async () => {
      const names = (await peer.listPrompts()).map(({ name }) => name);
      return names.some((name) => name.startsWith('b__')) && names;
    });
    expect(prompts).toEqual(
      expect.arrayContaining(['a__test_prompt_with_arguments', 'b__test_prompt_with_arguments']),
    );
    const uris = (await peer.listResources()).map(({ uri }) => uri);
    expect(uris).toEqual(expect.arrayContaining(['test://static-text', 'up://one']));
    expect(uris).toContain('hangar://b/test://static-text');
    const templates = (await peer.listResourceTemplates()).map(({ uriTemplate }) => uriTemplate);
    expect(templates).toEqual([
      'test://template/{id}/data',
      'hangar://b/test://template/{id}/data',
    ]);
    for (const uri of ['test://static-text', 'hangar://b/test://static-text', 'up://two'])
      expect(await peer.readResource(uri)).toHaveProperty('contents');
    for (const uri of ['test://template/7/data', 'hangar://b/test://template/7/data'])
      expect(JSON.stringify(await peer.readResource(uri))).toContain('7');
    for (const server of ['a', 'b']) {
      const name = `${server}__test_prompt_with_arguments`;
      const given = { arg1: 'one', arg2: 'two' };
      expect(JSON.stringify(await peer.getPrompt(name, given))).toContain('one');
      expect(Array.isArray(await peer.completePrompt(name, { name: 'arg1', value: 'p' }))).toBe(
        true,
      );
    }
  });
});

describe('A legacy session in front of several servers', () => {
  it('subscribes on each and hears of each, and gets the logs of each at its level', async () => {
    await using gateway = await startGateway({
      mcp_servers: { one: upstream(), two: upstream() },
    });
    const client = await LegacyClient.open(gateway.url());
    await listOf(client);
    const stream = await client.listen();
    for (const uri of ['up://one', 'hangar://two/up://two'])
      expect((await client.request('resources/subscribe', { uri }).answer()).error).toBeUndefined();
    await client.call('one__update', { uri: 'up://one' }).answer();
    await client.call('two__update', { uri: 'up://two' }).answer();
    for (const uri of ['up://one', 'hangar://two/up://two']) {
      await stream.next(
        uri,
        ({ method, params }) =>
          method === 'notifications/resources/updated' && params?.['uri'] === uri,
      );
    }
    await client.request('resources/unsubscribe', { uri: 'hangar://two/up://two' }).answer();
    const level = await client.request('logging/setLevel', { level: 'debug' }).answer();
    expect(level.result).toEqual({});
    for (const server of ['one', 'two']) {
      const exchange = client.call(`${server}__log`, { level: 'debug', data: server });
      await exchange.answer();
      const all = (): readonly Message[] => [...exchange.messages(), ...stream.messages()];
      await until(`the log of ${server}`, () =>
        all().some(
          ({ method, params }) => method === 'notifications/message' && params?.['data'] === server,
        ),
      );
    }
  });
});
