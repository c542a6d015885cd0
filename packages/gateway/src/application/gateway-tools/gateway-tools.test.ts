import { utf8Text } from '../byte-text.ts';
import { FORGETFUL } from '../../infrastructure/state/memory-files.ts';
import { Secret } from '@mcp-hangar/kernel/secret';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ScriptedLauncher,
  settled,
  SILENT,
  specOf,
  type Hello,
  type SpecPart,
} from '../../../test-kit/scripted-launcher.ts';
import { Listener, userOf } from '../../../test-kit/server-world.ts';
import { clientText } from '../../domain/protocol/client-message.ts';
import { isObject, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { parseAnswer } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { Logger } from '../ports.ts';
import { Hub } from '../dispatch/hub.ts';
import type { ServerUser } from '../servers/mcp-server.ts';

interface Heard {
  result: JsonObject | undefined;
  error: RpcError | undefined;
  dropped: boolean;
  readonly messages: JsonObject[];
}

interface ToolWorld {
  readonly hub: Hub;
  readonly launcher: ScriptedLauncher;
  readonly user: ServerUser;
  call(
    tool: string,
    args?: JsonObject,
    meta?: JsonObject,
  ): { readonly call: Call; readonly heard: Heard };
}

const TOOLS = { tools: [{ name: 'work' }] };
/** Lists at once, and leaves tool calls to the test. */
const HELLO: Hello = {
  capabilities: { tools: {} },
  behaviour: (method) => (method === 'tools/list' ? { result: TOOLS } : undefined),
};

let hubs: Hub[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(hubs.map((hub) => hub.close()));
  hubs = [];
});

function toolWorld(
  options: {
    readonly hello?: Hello;
    readonly inFlightMax?: number;
    readonly spec?: SpecPart;
    readonly logger?: Logger;
  } = {},
): ToolWorld {
  const launcher = new ScriptedLauncher(options.hello);
  const hub = new Hub({
    servers: [specOf({ callTimeoutMs: 300_000, ...options.spec, id: 'up' })],
    launcher,
    clock: { nowMs: () => 1_000 },
    logger: options.logger ?? SILENT,
    random: () => 0.5,
    events: { record: () => undefined },
    callSettled: () => undefined,
    memory: FORGETFUL,
    past: new Map(),
    info: { name: 'mcp-hangar', version: '0' },
    modernMeta: {},
    parkedCalls: {
      put: () => false,
      find: () => undefined,
      remove: () => undefined,
      list: () => [],
    },
    sealer: { seal: (text) => text, open: () => ({ kind: 'unknown' }) },
    leaseWaitMs: 1_000,
    inFlightMax: options.inFlightMax ?? 100,
    catalog: { firstListWaitMs: 0, ttlMs: 0, startConcurrency: 4 },
    toolAccess: { mode: 'hybrid', gatewayTools: 'both', naming: 'prefixed' },
  });
  hubs.push(hub);
  const user = userOf(new Listener());
  const endpoint = hub.fleet.endpoint(undefined);
  if (endpoint === undefined) throw new Error('no endpoint');
  const view = hub.views.of(endpoint, user.asker);
  return {
    hub,
    launcher,
    user,
    call(tool, args = {}, meta) {
      const params = { name: tool, arguments: args, ...(meta && { _meta: meta }) };
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
      const heard: Heard = { result: undefined, error: undefined, dropped: false, messages: [] };
      const call = hub.calls.forward({
        view,
        user,
        request: { kind: 'request', id: 1, method: 'tools/call', params },
        text: clientText(JSON.stringify(message), message),
        reply: replyInto(heard),
        header: () => undefined,
        onSettled: () => undefined,
      });
      return { call, heard };
    },
  };
}

const replyInto = (heard: Heard): ClientReply => ({
  send: (message) => void heard.messages.push(JSON.parse(utf8Text(message)) as JsonObject),
  answer: (answer) => {
    const result = parseAnswer(answer)?.['result'];
    heard.result = isObject(result) ? result : undefined;
  },
  result: (result) => {
    heard.result = result;
  },
  body: () => undefined,
  refuse: (error) => {
    heard.error = error;
  },
  drop: () => {
    heard.dropped = true;
  },
});

const toolCalls = ({ launcher }: ToolWorld): readonly JsonObject[] =>
  launcher.connections.flatMap(({ lines }) =>
    lines.filter(({ method }) => method === 'tools/call'),
  );
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 100 && !condition(); turns += 1) await settled();
  expect(condition()).toBe(true);
}

describe('What cannot cross', () => {
  const hello: Hello = {
    capabilities: { tools: {}, tasks: {} },
    behaviour: (method) =>
      method === 'tools/list'
        ? { result: { tools: [{ name: 'slow', execution: { taskSupport: 'required' } }] } }
        : undefined,
  };
  const answerOf = async (world: ToolWorld, tool: string, args?: JsonObject) => {
    const { heard } = world.call(tool, args);
    await until(() => heard.result !== undefined);
    return heard.result?.['structuredContent'] as Record<string, unknown>;
  };

  test('is said of each server that speaks one era, with the reason, in both forms', async () => {
    const world = toolWorld({ hello, spec: { era: 'legacy' } });
    await answerOf(world, 'registry_start', { provider: 'up' });
    const details = await answerOf(world, 'registry_details', { provider: 'up' });
    const listed = details['cannot_cross'] as readonly Record<string, unknown>[];
    expect(listed[0]).toEqual({
      clients: 'modern',
      feature: 'tool "slow"',
      reason: expect.stringContaining('2026-07-28') as string,
    });
    const status = await answerOf(world, 'registry_status');
    expect(status['providers']).toMatchObject([{ id: 'up', cannot_cross: listed }]);
    expect(status['formatted']).toContain('\n    not for modern clients: tool "slow" (it runs');
    const { mcp_servers: rows } = await answerOf(world, 'hangar_status');
    expect(rows).toMatchObject([{ id: 'up', cannot_cross: listed }]);
  });

  test('is said of no server that may speak both', async () => {
    const world = toolWorld({ hello });
    await answerOf(world, 'registry_start', { provider: 'up' });
    for (const [tool, args] of [
      ['registry_status', {}],
      ['registry_details', { provider: 'up' }],
    ] as const)
      expect(JSON.stringify(await answerOf(world, tool, args))).not.toContain('cannot_cross');
  });
});

describe('registry_invoke', () => {
  test('sends the call with a correlation id, and passes the answer on', async () => {
    const world = toolWorld({ hello: HELLO });
    const { heard } = world.call('registry_invoke', {
      provider: 'up',
      tool: 'work',
      arguments: { a: 1 },
    });
    await until(() => toolCalls(world).length === 1);
    expect(toolCalls(world)[0]?.['params']).toEqual({
      name: 'work',
      arguments: { a: 1 },
      _meta: { correlation_id: expect.any(String) as string },
    });
    world.launcher.connections[0]?.answer(Number(toolCalls(world)[0]?.['id']), {
      result: { content: [], isError: true },
    });
    await until(() => heard.result !== undefined);
    expect(heard.result).toEqual({ content: [], isError: true });
    expect(world.hub.inFlight).toBe(0);
  });

  test('turns an error of the server into a result that says so', async () => {
    const world = toolWorld({ hello: HELLO });
    const { heard } = world.call('registry_invoke', { provider: 'up', tool: 'work' });
    await until(() => toolCalls(world).length === 1);
    world.launcher.connections[0]?.answer(Number(toolCalls(world)[0]?.['id']), {
      error: { code: -32_602, message: 'no such thing', data: { a: 1 } },
    });
    await until(() => heard.result !== undefined);
    expect(heard.result).toMatchObject({
      isError: true,
      structuredContent: {
        error: 'no such thing',
        error_type: 'ToolInvocationError',
        details: { code: -32_602, data: { a: 1 } },
      },
    });
  });

  test('calls what a server without a list may know, but never what is hidden', async () => {
    const refusing: Hello = {
      capabilities: { tools: {} },
      behaviour: (method) =>
        method === 'tools/list' ? { error: { code: -32_603, message: 'not now' } } : undefined,
    };
    const world = toolWorld({ hello: refusing, spec: { hiddenTools: ['wo*'] } });
    const hidden = world.call('registry_invoke', { provider: 'up', tool: 'work' }).heard;
    await until(() => hidden.result !== undefined);
    expect(hidden.result).toMatchObject({ isError: true });
    expect(toolCalls(world)).toEqual([]);
    world.call('registry_invoke', { provider: 'up', tool: 'other' });
    await until(() => toolCalls(world).length === 1);
  });

  test('logs no secret of a server that repeats it in an error', async () => {
    const logged: string[] = [];
    const log = (...line: unknown[]): void => void logged.push(JSON.stringify(line));
    const logger = { debug: log, info: log, warn: log, error: log };
    const message = 'no such key: s3cr3t';
    const behaviour = (): { error: RpcError } => ({ error: { code: -32_603, message } });
    const world = toolWorld({
      hello: { capabilities: { tools: {} }, behaviour },
      spec: { secrets: [new Secret('s3cr3t')] },
      logger,
    });
    const { heard } = world.call('registry_invoke', { provider: 'up', tool: 'work' });
    await until(() => heard.result !== undefined);
    await until(() => logged.filter((line) => line.includes('no such key: [secret]')).length === 2);
    expect(logged.join()).not.toContain('s3cr3t');
  });

  test('is bound by the limit of calls in flight like any other', async () => {
    const world = toolWorld({ hello: HELLO, inFlightMax: 1 });
    const { heard } = world.call('registry_invoke', { provider: 'up', tool: 'work' });
    await until(() => heard.result !== undefined);
    expect(heard.result).toMatchObject({ structuredContent: { error_type: 'GATEWAY_BUSY' } });
  });

  test('counts its timeout from when the server has the call, not while it starts', async () => {
    const world = toolWorld();
    const { heard } = world.call('registry_invoke', { provider: 'up', tool: 'work', timeout: 5 });
    await settled();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard.result).toBeUndefined();
    world.launcher.succeed(HELLO);
    await until(() => toolCalls(world).length === 1);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(heard.result).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    await until(() => heard.result !== undefined);
    expect(heard.result).toMatchObject({ structuredContent: { error_type: 'CALL_TIMED_OUT' } });
    expect(world.launcher.connections[0]?.cancelled).toHaveLength(1);
  });

  test('does not time out while the server waits for its client', async () => {
    const world = toolWorld({ hello: HELLO });
    const { call, heard } = world.call('registry_invoke', {
      provider: 'up',
      tool: 'work',
      timeout: 5,
    });
    await until(() => toolCalls(world).length === 1);
    expect(call.child).toBe(world.hub.fleet.servers[0]?.running[0]);
    if (call.child !== undefined) call.child.asking += 1;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(heard.result).toBeUndefined();
    if (call.child !== undefined) call.child.asking -= 1;
    await vi.advanceTimersByTimeAsync(5_000);
    await until(() => heard.result !== undefined);
  });

  test('that is cancelled while the server starts never reaches it', async () => {
    const world = toolWorld();
    const { call, heard } = world.call('registry_invoke', { provider: 'up', tool: 'work' });
    await settled();
    call.cancel('enough');
    world.launcher.succeed(HELLO);
    await until(() => world.hub.fleet.servers[0]?.running[0]?.inFlight === 0);
    for (let turns = 0; turns < 10; turns += 1) await settled();
    expect(toolCalls(world)).toEqual([]);
    expect(heard).toMatchObject({ dropped: true, result: undefined });
    expect(world.hub.inFlight).toBe(0);
  });

  test('looks once more for a tool that is not listed, and calls it where it has come', async () => {
    let tools = [{ name: 'work' }];
    const world = toolWorld({
      hello: {
        capabilities: { tools: {} },
        behaviour: (method) => (method === 'tools/list' ? { result: { tools } } : undefined),
      },
    });
    world.call('registry_tools', { provider: 'up' });
    await settled();
    tools = [...tools, { name: 'late' }];
    world.call('registry_invoke', { provider: 'up', tool: 'late' });
    await until(() => toolCalls(world).length === 1);
    expect(toolCalls(world)[0]).toMatchObject({ params: { name: 'late' } });
  });
});

describe('a tool of the gateway', () => {
  test('says what it was given wrongly, in a result', async () => {
    const world = toolWorld();
    const { heard } = world.call('hangar_start', { provider: 'pu' });
    await until(() => heard.result !== undefined);
    expect(heard.result).toEqual({
      content: [{ type: 'text', text: 'unknown_mcp_server: pu (mcp_server: known: up)' }],
      structuredContent: {
        error: 'unknown_mcp_server: pu',
        error_type: 'MCP_SERVER_UNKNOWN',
        details: { field: 'mcp_server', fix: 'known: up', known: ['up'] },
      },
      isError: true,
    });
  });

  test('tells the stages of a start to a client with a token', async () => {
    const world = toolWorld();
    const { heard } = world.call('registry_start', { provider: 'up' }, { progressToken: 9 });
    await settled();
    world.launcher.asked[0]?.onHandshake?.();
    world.launcher.succeed(HELLO);
    await until(() => heard.result !== undefined);
    const messages = heard.messages.map(({ params }) => (params as JsonObject)['message']);
    expect(messages.map((text) => /\[(\w+)\]/.exec(String(text))?.[1])).toEqual([
      'cold_start',
      'launching',
      'initializing',
      'discovering_tools',
      'ready',
    ]);
    expect(heard.result?.['structuredContent']).toEqual({
      provider: 'up',
      state: 'ready',
      tools: ['work'],
    });
  });

  test('shows a failing server with its reason in registry_status', async () => {
    const world = toolWorld();
    const { heard } = world.call('registry_start', { provider: 'up' });
    await settled();
    world.launcher.fail('it does not run');
    await until(() => heard.result !== undefined);
    const status = world.call('registry_status').heard;
    await until(() => status.result !== undefined);
    expect(status.result?.['structuredContent']).toMatchObject({
      providers: [{ id: 'up', indicator: '❌', state: 'dead', note: 'it does not run' }],
      summary: { healthy_providers: 0, total_providers: 1, uptime: '0s', uptime_seconds: 0 },
    });
    const health = world.call('registry_health').heard;
    await until(() => health.result !== undefined);
    expect(health.result?.['structuredContent']).toMatchObject({
      status: 'unhealthy',
      providers: { total: 1, by_state: { dead: 1 } },
    });
  });
});
