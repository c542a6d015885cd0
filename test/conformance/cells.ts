/** The servers that the suite meets through the gateway: one fixture, served in each way that there is. */
import { modernCall } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { conformanceOverHttp, remote } from '../support/remote.ts';
import { conformanceServer } from '../support/upstream.ts';

export const CELLS = [
  'stdio-legacy',
  'stdio-dual',
  'http-legacy',
  'http-modern',
  'http-dual',
] as const;
export type Cell = (typeof CELLS)[number];

export interface CellUnderTest extends AsyncDisposable {
  /** Where the names of the fixture are bare. */
  readonly url: string;
  /** Where all servers are. */
  readonly allUrl: string;
  /** What the gateway wrote to stderr so far. */
  log(): string;
}

/** Starts the fixture of a cell and a gateway in front of it. */
export async function openCell(cell: Cell): Promise<CellUnderTest> {
  await using parts = new AsyncDisposableStack();
  const fixture = await configOf(cell, parts);
  const gateway = parts.use(await startGateway({ mcp_servers: { fixture } }));
  if (cell === 'stdio-legacy') await warmUp(gateway.url('fixture'));
  const owned = parts.move();
  // The suite tests for DNS rebinding with a Host of its own and wants a name in the URL.
  const urlOf = (server?: string): string => gateway.url(server).replace('127.0.0.1', 'localhost');
  return {
    url: urlOf('fixture'),
    allUrl: urlOf(),
    log: () => gateway.stderr(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * The suite gives one stream 600 ms, and what its client declares there nobody else does: a child that starts for it
 * would be measured as well.
 */
async function warmUp(url: string): Promise<void> {
  await modernCall(url, 'test_simple_text', {}, { capabilities: { elicitation: {} } }).answer();
}

async function configOf(
  cell: Cell,
  parts: AsyncDisposableStack,
): Promise<Readonly<Record<string, unknown>>> {
  if (cell === 'stdio-legacy') return conformanceServer({}, 'legacy');
  if (cell === 'stdio-dual') return conformanceServer();
  const era = cell === 'http-legacy' ? 'legacy' : cell === 'http-modern' ? 'modern' : 'dual';
  return remote(parts.use(await conformanceOverHttp(era)).url);
}
