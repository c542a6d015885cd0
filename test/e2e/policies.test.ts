/** What a configuration forbids holds on every way to a server: through its group, as a member, as a backup. */
import { describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, structuredOf, textOf } from '../support/clients.ts';
import { json } from '../support/command-line.ts';
import { startGateway, type Config } from '../support/gateway.ts';
import { groupOf, toolsIn } from '../support/groups.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { configOf, reload } from '../support/reload.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

/** So slow that nothing flows in while a test runs. */
const SLOW = 0.001;

const UNKNOWN = { code: -32602, message: expect.stringContaining('Unknown tool') };

/** What each call of a batch came to. */
const typesOf = (message: Message): readonly unknown[] =>
  (structuredOf(message)['results'] as { error_type: unknown }[]).map(
    ({ error_type: type }) => type,
  );

describe('A member that only its group defines', () => {
  it('is not called past what the group hides and limits', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      tool_access: { gateway_tools: 'both' },
      mcp_servers: {
        pool: groupOf(
          { inner: upstream([journal.option]) },
          { tools: { hide: ['echo'] }, rate_limit: { rps: SLOW, burst: 1 } },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url());
    expect((await client.call('pool__echo').answer()).error).toEqual(UNKNOWN);
    for (const tool of ['echo', 'pid']) {
      const wanted = { mcp_server: 'inner', tool, arguments: {} };
      const alone = await client.call('registry_invoke', wanted).answer();
      expect(structuredOf(alone)).toMatchObject({
        error_type: 'MCP_SERVER_UNKNOWN',
        details: { did_you_mean: 'pool' },
      });
      const many = await client.call('hangar_call', { calls: [wanted] }).answer();
      expect(structuredOf(many)['validation_errors']).toEqual([
        {
          index: 0,
          field: 'mcp_server',
          message:
            'MCP server "inner" is a member of group "pool" only; call the group; did you mean "pool"?',
        },
      ]);
    }
    const listed = await client.call('registry_tools', { mcp_server: 'inner' }).answer();
    const tools = structuredOf(listed)['tools'] as { name: string }[];
    expect(tools.map(({ name }) => name)).toContain('pid');
    expect(tools.map(({ name }) => name)).not.toContain('echo');
    expect(journal.lines('tools/call')).toEqual([]);
  });
});

describe('A call that waits for its turn', () => {
  it('is refused where a reload hides its tool meanwhile', async () => {
    const slow = (journal: Journal, keys: Config = {}): Config =>
      configOf({ busy: upstream([journal.option], { max_concurrency: 1, ...keys }) });
    await using house = new Household((journal) => slow(journal));
    const gateway = await house.http();
    const client = await LegacyClient.open(gateway.url('busy'));
    const hanging = client.request('tools/call', { name: 'hang' }, 'first');
    await until('the server has a call', () => house.journal.lines('"hang"').length === 1);
    const waiting = client.call('echo');
    await until('it waits', async () => {
      interface Report {
        readonly servers: readonly { readonly queued: number }[];
      }
      const { servers } = await json<Report>(house, 'status', '--json');
      return servers[0]?.queued === 1;
    });
    house.write(slow(house.journal, { tools: { hide: ['echo'] } }));
    expect((await reload(house)).restarted).toEqual([]);
    await client.notify('notifications/cancelled', { requestId: 'first' });
    expect((await waiting.answer()).error).toEqual(UNKNOWN);
    await hanging.ended;
    expect(textOf(await client.call('pid').answer())).toMatch(/^\d+$/);
    expect(house.journal.lines('"echo"')).toEqual([]);
  });
});

describe('A client that waits less long than a server may take', () => {
  it('makes nobody else wait: its time says nothing about the server, its breaker and its group', async () => {
    await using gateway = await startGateway({
      tool_access: { gateway_tools: 'both' },
      mcp_servers: {
        alone: upstream([], { circuit_breaker: { failure_threshold: 3 } }),
        pool: groupOf({ one: upstream(), two: upstream() }),
      },
    });
    const impatient = await LegacyClient.open(gateway.url());
    const other = await LegacyClient.open(gateway.url());
    for (const id of ['alone', 'pool']) {
      const wanted = { mcp_server: id, tool: 'hang', arguments: {}, timeout: 0.1 };
      const calls = Array.from({ length: 8 }, () => wanted);
      const batch = await impatient.call('hangar_call', { calls }).answer();
      expect(new Set(typesOf(batch))).toEqual(new Set(['ToolTimeoutError']));
      expect(textOf(await other.call(`${id}__pid`).answer())).toMatch(/^\d+$/);
    }
    const { result } = await other.call('registry_details', { mcp_server: 'alone' }).answer();
    expect(result?.['structuredContent']).toMatchObject({
      state: 'ready',
      health: { consecutive_failures: 0 },
      circuit_breaker: { state: 'closed' },
    });
  });
});

describe('A backup', () => {
  it('hides its tools also while it stands in', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      tool_access: { gateway_tools: 'both' },
      mcp_servers: {
        main: upstream(['--boot=exit'], {
          backup: 'spare',
          max_consecutive_failures: 1,
          predefined_tools: [{ name: 'echo' }, { name: 'pid' }],
        }),
        spare: upstream([journal.option], { tools: { hide: ['echo'] } }),
      },
    });
    const client = await LegacyClient.open(gateway.url());
    expect(toolsIn(await client.request('tools/list').answer())).toContain('main__echo');
    await until('calls go to the backup', async () => {
      const { result } = await client.call('main__pid').answer();
      return result !== undefined;
    });
    expect((await client.call('main__echo').answer()).error).toEqual(UNKNOWN);
    const own = await LegacyClient.open(gateway.url('main'));
    expect((await own.call('echo').answer()).error).toEqual(UNKNOWN);
    expect((await modernCall(gateway.url(), 'main__echo').answer()).error).toEqual(UNKNOWN);
    const wanted = { mcp_server: 'main', tool: 'echo', arguments: {} };
    const invoked = await client.call('registry_invoke', wanted).answer();
    expect(invoked.result?.['isError']).toBe(true);
    expect(typesOf(await client.call('hangar_call', { calls: [wanted] }).answer())).toEqual([
      'ToolInvocationError',
    ]);
    expect(journal.lines('"echo"')).toEqual([]);
  });
});
