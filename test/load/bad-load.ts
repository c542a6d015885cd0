/**
 * The bad load, in a process of its own: `node bad-load.ts FAULT gateway URL`, or `… FAULT outside`, where it starts
 * the same server itself, sends it the same lines and throws away what it prints. Runs until its stdin ends.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { FAULTS, isFault } from './faults.ts';

const SERVER = fileURLToPath(new URL('./fixtures/faulty.mjs', import.meta.url));

const [fault = '', where = '', url = ''] = process.argv.slice(2);
if (!isFault(fault)) throw new Error(`unknown fault ${fault}`);
const { tool, callsPerSecond } = FAULTS[fault];

const lineOf = (id: number): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool } });

/** The first start again after a failure is after so long behind the gateway; the later ones are further apart. */
const RESTART_MS = 1_000;

/** One that ends is started again, as the gateway does it. */
function outside(): (line: string) => void {
  let server = started();
  let endedAtMs = 0;
  process.stdin.on('end', () => server.kill('SIGKILL'));
  return (line) => {
    if (server.exitCode !== null && endedAtMs === 0) endedAtMs = performance.now();
    if (endedAtMs > 0) {
      if (performance.now() - endedAtMs < RESTART_MS) return;
      endedAtMs = 0;
      server = started();
    }
    server.stdin.write(`${line}\n`);
  };
}

function started(): ChildProcessWithoutNullStreams {
  const server = spawn(process.execPath, [SERVER], { stdio: 'pipe' });
  server.stdout.on('data', () => undefined);
  server.stderr.on('data', () => undefined);
  server.stdin.on('error', () => undefined); // it has just ended
  return server;
}

async function throughGateway(): Promise<(line: string) => void> {
  const agent = new Agent({ keepAlive: true });
  const post = (body: string, session: string | undefined): Promise<string> =>
    new Promise((resolve) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      };
      const sent = request(url, { agent, method: 'POST', headers }, (response) => {
        response.on('data', () => undefined);
        response.on('end', () => resolve(String(response.headers['mcp-session-id'])));
      });
      sent.on('error', () => resolve(''));
      sent.end(body);
    });
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bad' } };
  const hello = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const session = await post(hello, undefined);
  process.stdin.on('end', () => agent.destroy());
  return (line) => void post(line, session);
}

const call = where === 'outside' ? outside() : await throughGateway();
let id = 1;
call(lineOf(id));
const timer =
  callsPerSecond === 0
    ? undefined
    : setInterval(() => call(lineOf((id += 1))), 1_000 / callsPerSecond);
process.stdin.on('end', () => {
  clearInterval(timer);
  setImmediate(() => process.exit(0)); // calls that hang do not end by themselves
});
process.stdin.resume();
process.stdout.write('loading\n');
