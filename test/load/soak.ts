/**
 * Half of what the gateway can do, for a long time, while its servers are killed:
 *
 *   node test/load/soak.ts [--minutes 15] [--servers 10] [--groups 2] [--share 0.5] [--seed 1]
 *
 * Every second one process of a server gets SIGKILL. No result may be wrong; errors may only be those of calls that
 * were in flight at a server that was killed, and none of a group, whose other members take over; every call is in the
 * log, once; memory and open files do not grow (judged from 8 minutes on). Exit code 1 where that is not so.
 */
import { readdirSync, readFileSync } from 'node:fs';
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

const KILL_EVERY_MS = 1_000;
const SAMPLE_EVERY_MS = 1_000;
/** One that has just been started has no calls yet, and a start that fails makes others wait. */
const AGE_MS_MIN = 500;
const CAPACITY_MS = 4_000;
const LANES = 32;
const MIB_PER_MINUTE_MAX = 1;
/** Before that the room for young objects still grows to what the load needs. */
const JUDGED_FROM_MINUTES = 8;
/** Connections of clients and pipes of starts come and go. */
const FILES_SLACK = 24;
const TICKS_PER_SECOND = 100;

interface Sample {
  readonly atMs: number;
  readonly anonymousMib: number;
  readonly files: number;
}

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

function sampleOf(pid: number, atMs: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]);
  return { atMs, anonymousMib: kib / 1_024, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** What is typical of each quarter: between collections memory comes and goes. MiB. */
const quartersOf = (samples: readonly Sample[]): readonly number[] =>
  [0, 1, 2, 3].map((at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((samples.length * edge) / 4));
    return median(samples.slice(from, to).map(({ anonymousMib }) => anonymousMib));
  });

/** MiB a minute, from the second quarter to the last. */
function growthOf(samples: readonly Sample[]): number {
  const minutes = ((samples.at(-1)?.atMs ?? 0) / 60_000) * (2 / 4);
  const [, before = 0, , after = 0] = quartersOf(samples);
  return minutes === 0 ? 0 : (after - before) / minutes;
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

/** What is wrong; empty where all is well. */
function problemsOf(
  tally: Tally,
  samples: readonly Sample[],
  recorded: Recorded,
): readonly string[] {
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
  if ((samples.at(-1)?.atMs ?? 0) < JUDGED_FROM_MINUTES * 60_000 - SAMPLE_EVERY_MS) return problems;
  const growth = growthOf(samples);
  if (growth >= MIB_PER_MINUTE_MAX) problems.push(`memory grows by ${growth.toFixed(2)} MiB/min`);
  const files = samples.map(({ files: open }) => open);
  const grown = (files.at(-1) ?? 0) - (files[Math.floor(files.length / 4)] ?? 0);
  if (grown > FILES_SLACK) problems.push(`${grown} more files are open`);
  return problems;
}

async function run(gateway: GatewayProcess, targets: CallTargets, ms: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedAtMs = performance.now();
  let nextKillMs = KILL_EVERY_MS;
  let nextSampleMs = 0;
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
      samples.push(sampleOf(gateway.pid, atMs));
    }
    await delay(20);
  }
  console.log(`${kills} kills`);
  return samples;
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
  const gateway = await startGatewayIn(house.folder, house.file, {
    flags: ['--log-level', 'error'],
    staysBehind: true,
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
  const samples = await run(gateway, targets, numberOf(values.minutes, 15) * 60_000);
  await load.end();
  targets.close();
  await gateway.stop();
  const recorded = recordedIn(join(house.stateFolders()[0] ?? '', 'events.db'));
  const { tally } = targets;
  console.log(
    `${tally.answered} answered, ${tally.failed} failed (${JSON.stringify(Object.fromEntries(tally.errors))}), ` +
      `memory ${quartersOf(samples)
        .map((mib) => mib.toFixed(1))
        .join(', ')} MiB by quarters (${growthOf(samples).toFixed(2)} MiB/min), ` +
      `files ${samples[0]?.files} to ${samples.at(-1)?.files}`,
  );
  const problems = problemsOf(tally, samples, recorded);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
