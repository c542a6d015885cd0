/** What a server has that clients of the other era do not get, in the status of the gateway. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT, startGateway, type GatewayProcess } from '../support/gateway.ts';
import { openPeer, type PeerKind } from '../support/sdk-peers.ts';
import { until } from '../support/until.ts';
import { conformanceServer } from '../support/upstream.ts';

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await startGateway({
    mcp_servers: {
      everything: { command: process.execPath, args: [EVERYTHING] },
      both: conformanceServer(),
    },
    tool_access: { gateway_tools: 'both' },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

interface Row {
  readonly id?: string;
  readonly cannot_cross?: readonly { readonly clients: string; readonly feature: string }[];
}
interface Status {
  readonly providers: readonly Row[];
  readonly formatted: string;
}

/** What one of the gateway's tools says to a client that has used both servers. */
async function said(kind: PeerKind, tool: string, args = {}): Promise<unknown> {
  await using peer = await openPeer(kind, gateway.url());
  expect(await peer.callTool('everything__echo', { message: 'hello' })).toBe('Echo: hello');
  await peer.callTool('both__test_simple_text');
  return JSON.parse(await peer.callTool(tool, args));
}

const status = async (kind: PeerKind): Promise<Status> =>
  (await said(kind, 'registry_status')) as Status;

it('is not guessed while no modern client has come', async () => {
  const { providers, formatted } = await status('SDK v1');
  expect(providers.map(({ id }) => id)).toEqual(['everything', 'both']);
  expect(JSON.stringify(providers)).not.toContain('cannot_cross');
  expect(formatted).not.toContain('not for');
});

it.each(['SDK v2, modern', 'SDK v1'] as const)(
  'is listed for %s once it is known',
  async (kind) => {
    const shown = await until('the server is known', async () => {
      const answer = await status('SDK v2, modern');
      return answer.formatted.includes('simulate-research-query') ? await status(kind) : undefined;
    });
    const [everything, both] = shown.providers;
    expect(both).not.toHaveProperty('cannot_cross');
    const features = everything?.cannot_cross?.map(({ clients, feature }) => [clients, feature]);
    expect(features).toContainEqual(['modern', 'tool "simulate-research-query"']);
    expect(features).toContainEqual(['modern', 'log messages outside a request']);
    expect(shown.formatted).toMatch(/everything {2}ready\n {4}not for modern clients: .* \(.*\)\n/);
    const details = (await said(kind, 'hangar_details', { mcp_server: 'everything' })) as Row;
    expect(details.cannot_cross).toEqual(everything?.cannot_cross);
  },
);
