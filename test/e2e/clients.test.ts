/** The official clients use the four servers of the quickstart through the gateway. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, ROOT, startGateway, type GatewayProcess } from '../support/gateway.ts';
import { ASKABLE, openPeer, PEERS, type Peer, type PeerKind } from '../support/sdk-peers.ts';
import { until } from '../support/until.ts';
import { conformanceServer } from '../support/upstream.ts';

const run = promisify(execFile);
const QUICKSTART = join(ROOT, 'examples/quickstart.yaml');
const LEGACY_PEERS = PEERS.filter((kind) => kind !== 'SDK v2, modern');
/** Tools of each server, for a client that declares no capability. */
const TOOLS = { everything: 13, files: 14, memory: 9, thinking: 1 };
const TOOLS_ALL = Object.values(TOOLS).reduce((sum, count) => sum + count);

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway(QUICKSTART);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** All that the gateway lists once it knows every server. */
function allTools(peer: Peer): Promise<readonly string[]> {
  return until(
    'every server is listed',
    async () => {
      const names = (await peer.listTools()).map(({ name }) => name);
      return names.filter((name) => name.includes('__')).length >= TOOLS_ALL && names;
    },
    30_000,
  );
}

const countOf = (names: readonly string[], server: string): number =>
  names.filter((name) => name.startsWith(`${server}__`)).length;

describe.each(PEERS)('%s', (kind: PeerKind) => {
  it('lists and calls tools of all four servers', async () => {
    await using peer = await openPeer(kind, gateway.url());
    expect(peer.serverName).toBe('mcp-hangar');
    const names = await allTools(peer);
    const counts = Object.keys(TOOLS).map((server) => [server, countOf(names, server)]);
    expect(Object.fromEntries(counts)).toEqual(TOOLS);
    expect(names).toContain('registry_list');
    expect(await peer.callTool('everything__echo', { message: 'hello' })).toBe('Echo: hello');
    expect(await peer.callTool('everything__get-sum', { a: 2, b: 40 })).toContain('42');
    const allowed = await peer.callTool('files__list_allowed_directories');
    expect(allowed).toContain('examples/demo-files');
    expect(await peer.callTool('files__list_directory', { path: '.' })).toContain('[FILE]');
    expect(JSON.parse(await peer.callTool('memory__read_graph'))).toHaveProperty('entities');
    const thought = {
      thought: 'one',
      thoughtNumber: 1,
      totalThoughts: 2,
      nextThoughtNeeded: true,
    };
    const thinking = await peer.callTool('thinking__sequentialthinking', thought);
    expect(JSON.parse(thinking)).toMatchObject({ thoughtNumber: 1, totalThoughts: 2 });
  });

  it('sees one server under its own names at its own path', async () => {
    await using peer = await openPeer(kind, gateway.url('everything'));
    const names = (await peer.listTools()).map(({ name }) => name);
    expect(names).toHaveLength(TOOLS.everything);
    expect(names).toContain('echo');
    expect(await peer.callTool('echo', { message: 'bare' })).toBe('Echo: bare');
  });

  it('gets prompts, resources, templates and completions', async () => {
    await using peer = await openPeer(kind, gateway.url());
    await allTools(peer);
    const prompts = (await peer.listPrompts()).map(({ name }) => name);
    expect(prompts.toSorted()).toEqual([
      'everything__args-prompt',
      'everything__completable-prompt',
      'everything__resource-prompt',
      'everything__simple-prompt',
    ]);
    const prompt = await peer.getPrompt('everything__args-prompt', { city: 'Oslo', state: 'N' });
    expect(JSON.stringify(prompt)).toContain('Oslo');
    const department = { name: 'department', value: 'S' };
    expect(await peer.completePrompt('everything__completable-prompt', department)).toEqual([
      'Sales',
      'Support',
    ]);
    const resources = await peer.listResources();
    expect(resources.length).toBeGreaterThanOrEqual(7);
    for (const { uri } of resources.slice(0, 2))
      expect(await peer.readResource(uri)).toHaveProperty('contents');
    const templates = await peer.listResourceTemplates();
    expect(templates).toHaveLength(2);
    const uri = templates[0]?.uriTemplate.replace(/\{[^}]*\}/, '7') ?? '';
    expect(JSON.stringify(await peer.readResource(uri))).toContain(uri);
  });

  it('hears of progress', async () => {
    await using peer = await openPeer(kind, gateway.url());
    const steps: number[] = [];
    const operation = 'everything__trigger-long-running-operation';
    const text = await peer.callTool(operation, { duration: 0.3, steps: 3 }, (step) =>
      steps.push(step),
    );
    expect(text).toContain('completed');
    expect(steps).toEqual([1, 2, 3]);
  });

  it('gets the error of a server as that server gave it', async () => {
    await using peer = await openPeer(kind, gateway.url());
    const path = { path: '/etc/passwd' };
    expect(await peer.callTool('files__read_text_file', path)).toContain('Access denied');
    await expect(peer.callTool('nobody__echo')).rejects.toThrow('nobody__echo');
    await expect(peer.readResource('nothing://at-all')).rejects.toThrow('nothing://at-all');
  });
});

describe.each(LEGACY_PEERS)('%s, asked by servers', (kind: PeerKind) => {
  it('sees three more tools, and answers what they ask', async () => {
    await using peer = await openPeer(kind, gateway.url(), ASKABLE);
    await allTools(peer);
    const everything = await until('its own catalogue is known', async () => {
      const names = (await peer.listTools()).map(({ name }) => name);
      return countOf(names, 'everything') > TOOLS.everything && countOf(names, 'everything');
    });
    expect(everything).toBe(16);
    const sampled = await peer.callTool('everything__trigger-sampling-request', {
      prompt: 'say something',
      maxTokens: 10,
    });
    expect(sampled).toContain('sampled words');
    const elicited = await peer.callTool('everything__trigger-elicitation-request');
    expect(elicited).toContain('provided the requested information');
    expect(await peer.callTool('everything__get-roots-list')).toContain('file:///e2e/root');
    expect(new Set(peer.asked)).toEqual(
      new Set(['sampling/createMessage', 'elicitation/create', 'roots/list']),
    );
  });

  it('does not disturb a client without capabilities beside it', async () => {
    await using asking = await openPeer(kind, gateway.url('everything'), ASKABLE);
    await using plain = await openPeer(kind, gateway.url('everything'));
    expect(await asking.listTools()).toHaveLength(16);
    expect(await plain.listTools()).toHaveLength(13);
    expect(await plain.callTool('echo', { message: 'x' })).toBe('Echo: x');
    expect(plain.asked).toEqual([]);
  });

  it('hears log messages at the level that it sets', async () => {
    await using peer = await openPeer(kind, gateway.url('everything'));
    await peer.setLoggingLevel('debug');
    expect(await peer.callTool('toggle-simulated-logging')).toContain('Started');
    const message = await until('a log message comes', () =>
      peer.notifications.find(({ method }) => method === 'notifications/message'),
    );
    expect(message.params).toMatchObject({ level: expect.any(String) });
    expect(await peer.callTool('toggle-simulated-logging')).toContain('Stopped');
  });

  it('hears of updates of a resource that it subscribed to', async () => {
    await using peer = await openPeer(kind, gateway.url('everything'));
    await using other = await openPeer(kind, gateway.url('everything'));
    const [uri = ''] = (await peer.listResources()).map((resource) => resource.uri);
    await peer.subscribe(uri);
    expect(await peer.callTool('toggle-subscriber-updates')).toContain('Started');
    const updated = await until('an update comes', () =>
      peer.notifications.find(({ method }) => method === 'notifications/resources/updated'),
    );
    expect(updated.params).toMatchObject({ uri });
    expect(other.notifications).toEqual([]);
    expect(await peer.callTool('toggle-subscriber-updates')).toContain('Stopped');
  });
});

describe('A list that changes', () => {
  let own: GatewayProcess;
  beforeAll(async () => {
    own = await startGateway({ mcp_servers: { fixture: conformanceServer() } });
  });
  afterAll(() => own?.[Symbol.asyncDispose]());

  it.each(PEERS)('is announced to %s and then read anew', async (kind: PeerKind) => {
    await using peer = await openPeer(kind, own.url());
    const before = await until('the fixture is listed', async () => {
      const names = (await peer.listTools()).map(({ name }) => name);
      return names.includes('fixture__test_trigger_tool_change') && names;
    });
    if (kind === 'SDK v2, modern') await peer.listen();
    await peer.callTool('fixture__test_trigger_tool_change');
    await until('it is announced', () =>
      peer.notifications.some(({ method }) => method === 'notifications/tools/list_changed'),
    );
    const changing = 'fixture__test_changing_tool';
    const after = (await peer.listTools()).map(({ name }) => name);
    expect(after.includes(changing)).toBe(!before.includes(changing));
  });
});

describe('The Inspector', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'hangar-inspector-'));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const inspect = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const bin = join(ROOT, 'node_modules/.bin/mcp-inspector');
    const all = ['--cli', gateway.url(), '--transport', 'http', ...args];
    const { stdout } = await run(bin, all, { env: environment(home), timeout: 50_000 });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('lists the tools of all four servers', async () => {
    await using peer = await openPeer('SDK v1', gateway.url());
    await allTools(peer);
    const { tools } = await inspect('--method', 'tools/list');
    const names = (tools as readonly { readonly name: string }[]).map(({ name }) => name);
    for (const server of Object.keys(TOOLS)) expect(countOf(names, server)).toBeGreaterThan(0);
  });

  it.each([
    ['everything__echo', ['message=hello'], 'Echo: hello'],
    ['files__list_allowed_directories', [], 'demo-files'],
    ['memory__read_graph', [], 'entities'],
    [
      'thinking__sequentialthinking',
      ['thought=one', 'thoughtNumber=1', 'totalThoughts=1', 'nextThoughtNeeded=false'],
      'thoughtNumber',
    ],
  ])('calls %s', async (tool, args, part) => {
    const given = args.flatMap((arg) => ['--tool-arg', arg]);
    const result = await inspect('--method', 'tools/call', '--tool-name', tool, ...given);
    expect(JSON.stringify(result)).toContain(part);
  });
});
