/**
 * Half of what the gateway can do, for a long time, while its servers are killed:
 *
 *   node test/load/soak.ts [--minutes 15] [--servers 10] [--groups 2] [--share 0.5] [--seed 1]
 *
 * Every second one process of a server gets SIGKILL. No result may be wrong; errors may only be those of calls that
 * were in flight at a server that was killed, and none of a group, whose other members take over; every call is in the
 * log, once; open files, and the memory that a full collection leaves, do not grow (judged from 8 minutes on). Exit
 * code 1 where that is not so.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { median } from '../../bench/statistics.ts';
import { verifyEventLog } from '../../packages/eventing/src/verify.ts';
import { startGatewayIn, type Config, type GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { upstream } from '../support/upstream.ts';
import { CallTargets, type Tally } from './call-targets.ts';
import type { Holdings } from './holdings.ts';

const KILL_EVERY_MS = 1_000;
const SAMPLE_EVERY_MS = 15_000;
/** One that has just been started has no calls yet, and a start that fails makes others wait. */
const AGE_MS_MIN = 500;
const CAPACITY_MS = 4_000;
const LANES = 32;
const MIB_PER_MINUTE_MAX = 1;
/** Before that code is still compiled, and few samples decide. */
const JUDGED_FROM_MINUTES = 8;
const PROBE = new URL('./holdings.ts', import.meta.url).href;
/** Connections of clients and pipes of starts come and go. */
const FILES_SLACK = 24;
const TICKS_PER_SECOND = 100;

const numberOf = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : Number(text);

/** `count` servers, and groups of three further ones each. */
function configOf(count: number, groups: number): Config {
  const servers = Array.from({ length: count }, (_, at) => [`server-${at}`, upstream()] as const);
  const teams = Array.from({ length: groups }, (_, at) => {
    const members = [0, 1, 2].map((member) => ({
      id: `team-${at}-${member}`,
      ...upstream(['--read-only=echo']),
    }));
    const strategy = at % 2 === 0 ? 'round_robin' : 'least_connections';
    return [`team-${at}`, { mode: 'group', strategy, members }] as const;
  });
  return { mcp_servers: Object.fromEntries([...servers, ...teams]) };
}

/** Processes of our fixture below a gateway that have run for a while. */
function victims(gateway: number): readonly number[] {
  const uptimeS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const ageMs = (uptimeS - Number(fields[19]) / TICKS_PER_SECOND) * 1_000;
        const isOurs = Number(fields[1]) === gateway && ageMs > AGE_MS_MIN;
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1');
        return isOurs && command.includes('upstream.mjs') ? [Number(name)] : [];
      } catch {
        return []; // it has just ended
      }
    });
}

const holdingsIn = (path: string): readonly Holdings[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Holdings);

/** The medians of the four quarters of a run. */
const quartersOf = (values: readonly number[]): readonly number[] =>
  [0, 1, 2, 3].map((at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((values.length * edge) / 4));
    return median(values.slice(from, to));
  });

/** A minute, from the second quarter to the last. */
function growthOf(values: readonly number[]): number {
  const [, before = 0, , after = 0] = quartersOf(values);
  const minutes = (values.length * SAMPLE_EVERY_MS) / 60_000;
  return (after - before) / (minutes / 2);
}

function course(name: string, values: readonly number[]): string {
  const quarters = quartersOf(values).map((value) => value.toFixed(1));
  return `${name} ${quarters.join(', ')} by quarters, ${growthOf(values).toFixed(2)} a minute`;
}

interface Recorded {
  readonly completed: number;
  readonly failed: number;
  readonly findings: number;
}

function recordedIn(path: string): Recorded {
  const { findings } = verifyEventLog(path);
  using db = new DatabaseSync(path, { readOnly: true });
  const count = (type: string): number =>
    Number(db.prepare('select count(*) as n from event where type = ?').get(type)?.['n']);
  return {
    completed: count('ToolInvocationCompleted'),
    failed: count('ToolInvocationFailed'),
    findings: findings.length,
  };
}

/** What is wrong with the calls; empty where all is well. */
function problemsOfCalls(tally: Tally, recorded: Recorded): readonly string[] {
  const problems: string[] = [];
  if (tally.wrong > 0) problems.push(`${tally.wrong} wrong results: ${tally.examples.join('; ')}`);
  for (const [code, count] of tally.errors)
    if (code !== 'UPSTREAM_ENDED') problems.push(`${count} × ${code}`);
  if (tally.groupErrors > 0) problems.push(`${tally.groupErrors} errors of groups`);
  if (recorded.completed !== tally.answered)
    problems.push(`${recorded.completed} of ${tally.answered} results are in the log`);
  if (recorded.failed !== tally.failed)
    problems.push(`${recorded.failed} of ${tally.failed} errors are in the log`);
  if (recorded.findings > 0) problems.push(`${recorded.findings} findings in the log`);
  return problems;
}

/** Of a run that is long enough to say something. */
function problemsOfMemory(samples: readonly Holdings[], minutes: number): readonly string[] {
  if (minutes < JUDGED_FROM_MINUTES) return [];
  const wanted = Math.floor((minutes * 60_000) / SAMPLE_EVERY_MS) - 1; // the run is over before the last is asked for
  if (samples.length < wanted) return [`${samples.length} of ${wanted} looks at memory came back`];
  const problems: string[] = [];
  for (const kind of ['anonymousMib', 'heapMib'] as const) {
    const growth = growthOf(samples.map((sample) => sample[kind]));
    if (growth >= MIB_PER_MINUTE_MAX) problems.push(`${kind} grows by ${growth.toFixed(2)}/min`);
  }
  const grown =
    (samples.at(-1)?.files ?? 0) - (samples[Math.floor(samples.length / 4)]?.files ?? 0);
  if (grown > FILES_SLACK) problems.push(`${grown} more files are open`);
  return problems;
}

/** Kills, and asks the gateway what it holds. */
async function run(gateway: GatewayProcess, targets: CallTargets, ms: number): Promise<void> {
  const startedAtMs = performance.now();
  let nextKillMs = KILL_EVERY_MS;
  let nextSampleMs = SAMPLE_EVERY_MS;
  let kills = 0;
  for (;;) {
    const atMs = performance.now() - startedAtMs;
    if (atMs >= ms) break;
    if (atMs >= nextKillMs) {
      nextKillMs += KILL_EVERY_MS;
      const living = victims(gateway.pid);
      const victim = living[Math.floor(targets.random() * living.length)];
      if (victim !== undefined) {
        process.kill(victim, 'SIGKILL');
        kills += 1;
      }
    }
    if (atMs >= nextSampleMs) {
      nextSampleMs += SAMPLE_EVERY_MS;
      process.kill(gateway.pid, 'SIGUSR2');
    }
    await delay(20);
  }
  console.log(`${kills} kills`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      servers: { type: 'string' },
      groups: { type: 'string' },
      share: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const [servers, groups] = [numberOf(values.servers, 10), numberOf(values.groups, 2)];
  await using house = new Household(() => configOf(servers, groups));
  const holdings = join(house.folder, 'holdings.jsonl');
  writeFileSync(holdings, '');
  const gateway = await startGatewayIn(house.folder, house.file, {
    flags: ['--log-level', 'error'],
    staysBehind: true,
    env: { NODE_OPTIONS: `--expose-gc --import=${PROBE}`, HOLDINGS_FILE: holdings },
  });
  const ids = [
    ...Array.from({ length: servers }, (_, at) => `server-${at}`),
    ...Array.from({ length: groups }, (_, at) => `team-${at}`),
  ];
  const targets = new CallTargets(gateway, ids, numberOf(values.seed, 1));
  await targets.open();
  const capacity = await targets.capacity(LANES, CAPACITY_MS);
  const callsPerSecond = capacity * numberOf(values.share, 0.5);
  console.log(`${capacity.toFixed(0)} calls/s at most; ${callsPerSecond.toFixed(0)} from now on`);
  const load = targets.run(callsPerSecond);
  const minutes = numberOf(values.minutes, 15);
  await run(gateway, targets, minutes * 60_000);
  await load.end();
  targets.close();
  await gateway.stop();
  const samples = holdingsIn(holdings);
  const recorded = recordedIn(join(house.stateFolders()[0] ?? '', 'events.db'));
  const { tally } = targets;
  console.log(
    `${tally.answered} answered, ${tally.failed} failed (${JSON.stringify(Object.fromEntries(tally.errors))})`,
  );
  if (samples.length >= 4)
    for (const kind of ['anonymousMib', 'heapMib', 'files'] as const)
      console.log(
        course(
          kind,
          samples.map((sample) => sample[kind]),
        ),
      );
  const problems = [...problemsOfCalls(tally, recorded), ...problemsOfMemory(samples, minutes)];
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
