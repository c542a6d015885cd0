/** The official clients start the gateway themselves and use it over its pipes. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/gateway.ts';
import {
  ASKABLE,
  openPeer,
  PEERS,
  type Peer,
  type PeerKind,
  type StdioTarget,
} from '../support/sdk-peers.ts';
import { stdioTarget } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { conformanceServer } from '../support/upstream.ts';

const run = promisify(execFile);
const LEGACY_PEERS = PEERS.filter((kind) => kind !== 'SDK v2, modern');
const QUICKSTART = join(ROOT, 'examples/quickstart.yaml');
/** Tools of each server, for a client that declares no capability. */
const TOOLS = { everything: 13, files: 14, memory: 9, thinking: 1 };

let quickstart: StdioTarget & AsyncDisposable;
let fixture: StdioTarget & AsyncDisposable;

beforeAll(async () => {
  quickstart = await stdioTarget(QUICKSTART);
  fixture = await stdioTarget({ mcp_servers: { fixture: conformanceServer() } });
});
afterAll(async () => {
  await quickstart[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

const namesOf = async (peer: Peer): Promise<readonly string[]> =>
  (await peer.listTools()).map(({ name }) => name);

/** Waits until that many tools of a server are listed. */
const listed = (peer: Peer, server: string, count: number): Promise<readonly string[]> =>
  until(
    `${count} tools of ${server} are listed`,
    async () => {
      const names = await namesOf(peer);
      return names.filter((name) => name.startsWith(`${server}__`)).length === count && names;
    },
    30_000,
  );

describe.each(PEERS)('%s over stdio', (kind: PeerKind) => {
  it('uses tools, prompts, resources and completions of all servers', async () => {
    await using peer = await openPeer(kind, quickstart);
    expect(peer.serverName).toBe('mcp-hangar');
    for (const [server, count] of Object.entries(TOOLS)) await listed(peer, server, count);
    expect(await peer.callTool('everything__echo', { message: 'hello' })).toBe('Echo: hello');
    expect(await peer.callTool('files__list_directory', { path: '.' })).toContain('[FILE]');
    expect(JSON.parse(await peer.callTool('memory__read_graph'))).toHaveProperty('entities');
    expect((await peer.listPrompts()).length).toBe(4);
    const prompt = await peer.getPrompt('everything__args-prompt', { city: 'Oslo', state: 'N' });
    expect(JSON.stringify(prompt)).toContain('Oslo');
    const department = { name: 'department', value: 'S' };
    const completed = await peer.completePrompt('everything__completable-prompt', department);
    expect(completed).toEqual(['Sales', 'Support']);
    const [resource] = await peer.listResources();
    expect(await peer.readResource(resource?.uri ?? '')).toHaveProperty('contents');
    expect(await peer.listResourceTemplates()).toHaveLength(2);
    const path = { path: '/etc/passwd' };
    expect(await peer.callTool('files__read_text_file', path)).toContain('Access denied');
    await expect(peer.callTool('nobody__echo')).rejects.toThrow('nobody__echo');
  });

  it('hears of progress', async () => {
    await using peer = await openPeer(kind, quickstart);
    const steps: number[] = [];
    const operation = 'everything__trigger-long-running-operation';
    const given = { duration: 0.3, steps: 3 };
    const text = await peer.callTool(operation, given, (step) => steps.push(step));
    expect(text).toContain('completed');
    // The SDKs hand progress on later than answers: the last step is lost where both came in one read.
    expect([1, 2, 3].slice(0, steps.length)).toEqual(steps);
    expect(steps.length).toBeGreaterThanOrEqual(2);
  });

  it('hears of a list that changed, and reads it anew', async () => {
    await using peer = await openPeer(kind, fixture);
    const changing = 'fixture__test_changing_tool';
    const isListed = async (): Promise<boolean> => (await namesOf(peer)).includes(changing);
    // What is listed first may be remembered from a client before: the server that runs is listed anew.
    await peer.callTool('fixture__test_simple_text');
    await until('the fixture is listed', async () => !(await isListed()));
    if (kind === 'SDK v2, modern') await peer.listen();
    await peer.callTool('fixture__test_trigger_tool_change');
    await until('it is announced', () =>
      peer.notifications.some(({ method }) => method === 'notifications/tools/list_changed'),
    );
    await until('it is listed', isListed);
    expect(await isListed()).toBe(true);
  });
});

describe.each(LEGACY_PEERS)('%s over stdio, asked by servers', (kind: PeerKind) => {
  it('answers what they ask', async () => {
    await using peer = await openPeer(kind, quickstart, ASKABLE);
    await listed(peer, 'everything', 16);
    const words = { prompt: 'say something', maxTokens: 10 };
    const sampled = await peer.callTool('everything__trigger-sampling-request', words);
    expect(sampled).toContain('sampled words');
    const elicited = await peer.callTool('everything__trigger-elicitation-request');
    expect(elicited).toContain('provided the requested information');
    expect(await peer.callTool('everything__get-roots-list')).toContain('file:///e2e/root');
  });

  it('hears log messages at the level that it sets, and updates of what it subscribed to', async () => {
    await using peer = await openPeer(kind, quickstart);
    await listed(peer, 'everything', TOOLS.everything);
    await peer.setLoggingLevel('debug');
    const started = await peer.callTool('everything__toggle-simulated-logging');
    expect(started).toContain('Started');
    await until('a log message comes', () =>
      peer.notifications.some(({ method }) => method === 'notifications/message'),
    );
    const [uri = ''] = (await peer.listResources()).map((resource) => resource.uri);
    await peer.subscribe(uri);
    await peer.callTool('everything__toggle-subscriber-updates');
    const updated = await until('an update comes', () =>
      peer.notifications.find(({ method }) => method === 'notifications/resources/updated'),
    );
    expect(updated.params).toMatchObject({ uri });
  });
});

describe('The Inspector over stdio', () => {
  const inspect = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const bin = join(ROOT, 'node_modules/.bin/mcp-inspector');
    const { command, args: start, cwd, env } = quickstart;
    const { stdout } = await run(bin, ['--cli', ...args, '--', command, ...start], {
      cwd,
      env,
      timeout: 50_000,
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('lists tools', async () => {
    const { tools } = await inspect('--method', 'tools/list');
    expect(JSON.stringify(tools)).toContain('thinking__sequentialthinking');
  });

  it('calls one', async () => {
    const call = ['--tool-name', 'everything__echo', '--tool-arg', 'message=hello'];
    const result = await inspect('--method', 'tools/call', ...call);
    expect(JSON.stringify(result)).toContain('Echo: hello');
  });
});
