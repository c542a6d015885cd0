/** The bad load, in a process of its own: `node bad-load.ts FAULT URL`. Runs until its stdin ends. */
import { Agent, request } from 'node:http';
import { FAULTS, isFault } from './faults.ts';

const [fault = '', url = ''] = process.argv.slice(2);
if (!isFault(fault)) throw new Error(`unknown fault ${fault}`);
const { tool, callsPerSecond } = FAULTS[fault];

const lineOf = (id: number): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool } });

/** Opens a session; answers what posts a line in it. */
async function poster(): Promise<(line: string) => void> {
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

const call = await poster();
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
