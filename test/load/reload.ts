/**
 * Sessions call servers without a pause while the configuration is changed at random and reloaded, again and again:
 *
 *   node test/load/reload.ts [--reloads 1000] [--servers 200] [--seed 1]
 *
 * No call to a server that no edit touches may fail, none of their processes may change, and no session may be lost.
 * Printed is how long a reload takes, from the request to the servers in place, and how long of that it takes to put
 * the checked configuration there; the median of the whole may be 50 ms. Exit code 1 where something does not hold.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, quantile } from '../../bench/statistics.ts';
import { LegacyClient, pidOf, textOf } from '../support/clients.ts';
import { startGatewayIn, fileOf, type Config, type GatewayProcess } from '../support/gateway.ts';
import { descendantsOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Edits } from './reload-edits.ts';

const STABLE = 4;
const MOVING = 4;
const SESSIONS = 8;
const MEDIAN_MS_MAX = 50;
const DRAINED_MS_MAX = 30_000;
/** Of processes that are no servers. */
const GUARDIANS = 1;

const REST: Config = {
  config_reload: { enabled: false },
  tool_access: { gateway_tools: 'hangar' },
  limits: { shutdown_grace_s: 2 },
};

const { values } = parseArgs({
  options: {
    reloads: { type: 'string', default: '1000' },
    servers: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const [reloads, servers, seed] = [values.reloads, values.servers, values.seed].map(Number) as [
  number,
  number,
  number,
];

interface Tally {
  calls: number;
  readonly failed: string[];
}

/** Calls the servers in turn until it is told to stop. */
async function callOn(
  client: LegacyClient,
  ids: readonly string[],
  { tally, signal }: { readonly tally: Tally; readonly signal: AbortSignal },
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    const id = ids[turn % ids.length] ?? '';
    const expected = String(turn);
    const message = await client.call(`${id}__echo`, { turn: expected }).answer();
    tally.calls += 1;
    const text = message.error?.message ?? textOf(message);
    if (!text.includes(`"${expected}"`)) tally.failed.push(`${id}: ${text}`);
  }
}

interface Reloaded {
  readonly applyMs: number;
  readonly durationMs: number;
}

/** What the log says of every reload that was applied. */
const applied = (gateway: GatewayProcess): readonly Reloaded[] =>
  gateway
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"configuration_reloaded"'))
    .map((line) => JSON.parse(line) as Reloaded);

async function reloadOnce(client: LegacyClient): Promise<string> {
  const { result } = await client.call('hangar_reload_config').answer();
  return String((result?.['structuredContent'] as Record<string, unknown> | undefined)?.['status']);
}

/** Reloads, and calls meanwhile. Answers the sentences that tell what does not hold. */
async function run(
  gateway: GatewayProcess,
  file: string,
  edits: Edits,
): Promise<readonly string[]> {
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, () => LegacyClient.open(gateway.url())),
  );
  const [operator] = sessions;
  if (operator === undefined) throw new Error('there is no session');
  const [stable, moving]: readonly [Tally, Tally] = [
    { calls: 0, failed: [] },
    { calls: 0, failed: [] },
  ];
  const stop = new AbortController();
  const { signal } = stop;
  const load = sessions.map((client, index) =>
    index % 4 === 3
      ? callOn(client, edits.moving, { tally: moving, signal })
      : callOn(client, edits.stable, { tally: stable, signal }),
  );
  const pids = await pidsOf(operator, edits.stable);
  const wrong: string[] = [];
  for (let count = 0; count < reloads; count += 1) {
    const { text, isValid } = edits.next();
    writeFileSync(file, text);
    const status = await reloadOnce(operator);
    if ((status === 'reloaded') !== isValid) wrong.push(`reload ${count} was ${status}`);
  }
  stop.abort();
  await Promise.all(load);
  if ((await pidsOf(operator, edits.stable)).join() !== pids.join())
    wrong.push('a server that was never touched has another process');
  for (const client of sessions)
    if ((await client.request('ping').answer()).error !== undefined)
      wrong.push('a session is lost');
  // A name that nobody offers makes the gateway ask every server for its lists.
  const most = edits.enabled + GUARDIANS;
  const left = (): number => descendantsOf(gateway.pid).length;
  await until('what was replaced has ended', () => left() <= most, DRAINED_MS_MAX).catch(() => {
    wrong.push(`${left()} processes are left, more than ${most}`);
  });
  console.log(
    `${stable.calls} calls to servers that no edit touches, ${stable.failed.length} failed; ${moving.calls} to others, ${moving.failed.length} failed`,
  );
  const off = moving.failed.filter((text) => !/Unknown tool/.test(text));
  if (off.length > 0)
    console.log(`of the others, not because they were off: ${off.slice(0, 5).join('; ')}`);
  if (stable.failed.length > 0) wrong.push(`calls failed: ${stable.failed.slice(0, 5).join('; ')}`);
  return wrong;
}

const pidsOf = (client: LegacyClient, ids: readonly string[]): Promise<readonly string[]> =>
  Promise.all(ids.map((id) => pidOf(client, `${id}__pid`)));

/** Answers whether the limit holds. */
function tellTimes(gateway: GatewayProcess): boolean {
  const all = applied(gateway);
  const tell = (what: string, times: readonly number[]): void => {
    const [mid, high] = [median(times), quantile(times, 0.99)].map((ms) => ms.toFixed(1));
    console.log(`${what}: median ${mid} ms, p99 ${high} ms`);
  };
  console.log(`${all.length} reloads of ${servers} servers`);
  const whole = all.map(({ durationMs }) => durationMs);
  tell('read, checked and in place', whole);
  tell(
    'of that, in place',
    all.map(({ applyMs }) => applyMs),
  );
  return median(whole) < MEDIAN_MS_MAX;
}

const edits = new Edits({ stable: STABLE, moving: MOVING, servers }, seed, REST);
const { folder } = await fileOf({});
const file = join(folder, 'config.yaml');
writeFileSync(file, edits.text);
await using gateway = await startGatewayIn(folder, file, {
  flags: ['--json-logs', '--log-level', 'info'],
});
const wrong = await run(gateway, file, edits);
const isFast = tellTimes(gateway);
for (const sentence of wrong) console.log(`FAILED: ${sentence}`);
if (wrong.length === 0) console.log('nothing was lost');
if (!isFast) console.log(`FAILED: the median is not below ${MEDIAN_MS_MAX} ms`);
process.exitCode = wrong.length === 0 && isFast ? 0 : 1;
