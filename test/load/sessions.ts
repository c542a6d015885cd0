/** Client sessions over HTTP: initialize, a stream, one call; then DELETE, or nobody comes back. */
import { exchange } from '../isolation/raw-http.ts';
import { leakGateway } from './leak-gateway.ts';
import { anonymousMib, becomesTrue, livingOf } from './resources.ts';

const LANES = 8;
const SESSION_IDLE_MS = 1_500;
const EXPIRY_MS_MAX = 10_000;

interface Connection {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

const post = (connection: Connection, message: string): ReturnType<typeof exchange>['done'] =>
  exchange(connection.port, {
    method: 'POST',
    path: '/mcp/raw',
    headers: connection.headers,
    body: message,
  }).done;

async function oneSession(port: number, number: number): Promise<void> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x' } };
  const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const opened = await post({ port, headers: {} }, initialize);
  const headers = { 'mcp-session-id': opened.headers['mcp-session-id'] ?? '' };
  const connection = { port, headers };
  await post(connection, '{"jsonrpc":"2.0","method":"notifications/initialized"}');
  const stream = exchange(port, { method: 'GET', path: '/mcp/raw', headers });
  const call = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"work"}}';
  const { status } = await post(connection, call);
  if (status !== 200) throw new Error(`a call was answered with ${status}`);
  if (number % 2 === 0) await exchange(port, { method: 'DELETE', path: '/mcp/raw', headers }).done;
  else stream.drop();
  await stream.done.catch(() => undefined); // reset by ourselves
}

export interface SessionsReport {
  readonly sessions: number;
  /** Sessions that outlived both DELETE and their idle time. */
  readonly sessionsLeft: number;
  readonly processesLeft: number;
  /** Between a quarter of the sessions and all of them. MiB. */
  readonly grownMib: number;
}

export async function runSessions(sessions: number): Promise<SessionsReport> {
  const { gateway, groups } = await leakGateway({
    sharing: 'shared',
    sessionIdleMs: SESSION_IDLE_MS,
  });
  const port = await gateway.listen();
  let next = 0;
  const runTo = async (count: number): Promise<number> => {
    const lane = async (): Promise<void> => {
      while (next < count) await oneSession(port, next++);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await becomesTrue(() => gateway.httpSessions() === 0, EXPIRY_MS_MAX);
    return anonymousMib();
  };
  const early = await runTo(Math.ceil(sessions / 4));
  const late = await runTo(sessions);
  const sessionsLeft = gateway.httpSessions();
  await gateway.close();
  const processesLeft = livingOf(process.pid, groups).length;
  return { sessions, sessionsLeft, processesLeft, grownMib: late - early };
}
