/**
 * What an AI client waits for when it starts a gateway over stdio: `node test/load/start.ts`.
 *
 * Ten cold servers with a stored catalogue, from exec to the answer of `tools/list`, beside a raw Node program that
 * answers the same two requests, in turn; then the memory of a gateway with fifty cold servers at rest, beside a bare
 * `node:http` server. Exit code 1 where a limit is passed; `--short` looks at memory only, times being what they are
 * on a machine that is shared.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { COMMAND, environment } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const ANSWER_MS_MAX = 300;
const RATIO_MAX = 5;
const ANSWER_MIB_MAX = 45;
const IDLE_MIB_MAX = 60;
const KIB_A_MIB = 1_024;
/** The compiled code is kept from then on; see the launcher. */
const WARM_UP_MS = 4_000;
const REST_MS = 3_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    short: { type: 'boolean', default: false },
  },
});

const ECHO = `let text = '';
process.stdin.on('data', (chunk) => {
  text += chunk;
  for (let end; (end = text.indexOf('\\n')) >= 0; text = text.slice(end + 1)) {
    const { id } = JSON.parse(text.slice(0, end));
    if (id) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [] } }) + '\\n');
  }
});`;
const BARE = "require('node:http').createServer(() => {}).listen(0, '127.0.0.1')";

const QUESTIONS = [
  {
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'start' } },
  },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/list' },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');

interface Memory {
  readonly anonymousMib: number;
  readonly residentMib: number;
}

interface Start extends Memory {
  readonly ms: number;
}

async function memoryOf(pid: number | undefined): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const mib = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / KIB_A_MIB;
  return { anonymousMib: mib('RssAnon'), residentMib: mib('VmRSS') };
}

/** From exec to the answer of `tools/list`. The process runs on. */
async function start(
  args: readonly string[],
  folder: string,
): Promise<Start & { readonly child: ChildProcessWithoutNullStreams }> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, args, { env: environment(folder), stdio: 'pipe' });
  child.stderr.resume();
  child.stdin.write(QUESTIONS);
  let text = '';
  const ms = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`it ended: ${args.join(' ')}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (/"id":2[,}]/.test(text)) resolve(performance.now() - beganMs);
    });
  });
  return { ms, ...(await memoryOf(child.pid)), child };
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.end();
  await gone;
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** A gateway's arguments, once everything that it can remember is in its folder. */
async function prepared(folder: string, servers: number): Promise<readonly string[]> {
  const file = join(folder, `servers-${servers}.json`);
  const entries = Array.from({ length: servers }, (_, at) => [`server-${at}`, upstream()]);
  await writeFile(file, JSON.stringify({ mcp_servers: Object.fromEntries(entries) }));
  const args = [COMMAND, 'serve', '--config', file];
  const { child } = await start(args, folder);
  await until('every catalogue is stored', async () => {
    const files = await readdir(folder, { recursive: true });
    return files.filter((name) => /catalogs.server-\d+\.json$/.test(name)).length >= servers;
  });
  await delay(WARM_UP_MS);
  await end(child);
  return args;
}

async function timeStarts(folder: string): Promise<readonly string[]> {
  const args = await prepared(folder, 10);
  const echo = join(folder, 'echo.cjs');
  await writeFile(echo, ECHO);
  const starts: Record<'gateway' | 'echo', Start[]> = { gateway: [], echo: [] };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [who, what] of [['gateway', args] as const, ['echo', [echo]] as const]) {
      const started = await start(what, folder);
      starts[who].push(started);
      await end(started.child);
    }
  }
  const of = (who: 'gateway' | 'echo', what: keyof Start): number =>
    median(starts[who].map((one) => one[what]));
  const [ms, ratio] = [of('gateway', 'ms'), of('gateway', 'ms') / of('echo', 'ms')];
  const anonymous = of('gateway', 'anonymousMib');
  console.log(
    `tools/list of 10 cold servers: ${ms.toFixed(0)} ms from exec, ${ratio.toFixed(2)} x a raw echo (${of('echo', 'ms').toFixed(0)} ms); anonymous ${anonymous.toFixed(1)} MiB, resident ${of('gateway', 'residentMib').toFixed(1)} MiB`,
  );
  return [
    ...(values.short || ms <= ANSWER_MS_MAX ? [] : [`more than ${ANSWER_MS_MAX} ms`]),
    ...(values.short || ratio <= RATIO_MAX ? [] : [`more than ${RATIO_MAX} x a raw echo`]),
    ...(anonymous <= ANSWER_MIB_MAX ? [] : [`more than ${ANSWER_MIB_MAX} MiB at the answer`]),
  ];
}

async function weighIdle(folder: string): Promise<readonly string[]> {
  const args = await prepared(folder, 50);
  const { child } = await start(args, folder);
  const bare = spawn(process.execPath, ['-e', BARE], { stdio: 'ignore' });
  await delay(REST_MS);
  const [idle, beside] = [await memoryOf(child.pid), await memoryOf(bare.pid)];
  bare.kill('SIGKILL');
  await end(child);
  const ratio = idle.residentMib / beside.residentMib;
  console.log(
    `50 cold servers at rest: anonymous ${idle.anonymousMib.toFixed(1)} MiB, resident ${idle.residentMib.toFixed(1)} MiB, ${ratio.toFixed(2)} x a bare node:http server`,
  );
  return idle.anonymousMib <= IDLE_MIB_MAX ? [] : [`more than ${IDLE_MIB_MAX} MiB at rest`];
}

const folder = await mkdtemp(join(tmpdir(), 'hangar-start-'));
try {
  const failures = [...(await timeStarts(folder)), ...(await weighIdle(folder))];
  for (const failure of failures) console.log(`FAILED: ${failure}`);
  if (failures.length === 0) console.log('within all limits');
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
