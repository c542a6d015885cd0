/**
 * Acceptance 5: `node test/load/isolation.ts --rounds 9 --seconds 3 --faults hang,flood,garbage,large,crash,freeze`.
 *
 * Two servers get steady load through one gateway. Beside them a bad one works, once behind the same gateway and
 * once outside of it, in turns. Of each round the p99 of the good servers' latencies is compared: what the bad server
 * costs beyond the CPU that it takes anyway is the gateway's fault. Exit code 1 where the median ratio is over 1.15.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { QuietGate } from '../../bench/quiet.ts';
import { median, quantile } from '../../bench/statistics.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { isFault, type Fault } from './faults.ts';
import { SteadyLoad } from './steady-load.ts';

const CALLS_PER_SECOND = 300;
const SETTLE_MS = 300;
/** The longest back-off, and a start. */
const START_MS_MAX = 75_000;
const P99 = 0.99;
/** Waited for moments without other work on the machine, in all. */
const QUIET_MS_MAX = 240_000;
const SHORT_MS = 1_000;

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SERVER = { command: [process.execPath, file('./fixtures/faulty.mjs')] };
const GOOD = ['good-1', 'good-2'];

interface Arm {
  readonly p50: number;
  readonly p99: number;
}

interface Round {
  readonly through: Arm;
  readonly outside: Arm;
}

class Rig implements AsyncDisposable {
  readonly #gateway: GatewayProcess;
  readonly #load = new SteadyLoad();
  readonly #quiet: QuietGate;
  readonly #ms: number;

  constructor(gateway: GatewayProcess, ms: number) {
    this.#gateway = gateway;
    this.#ms = ms;
    this.#quiet = new QuietGate(ms < SHORT_MS ? 0 : QUIET_MS_MAX);
  }

  /** What others used of the CPUs when an arm began. */
  get othersShare(): number {
    return median(this.#quiet.shares);
  }

  static async start(ms: number): Promise<Rig> {
    const gateway = await startGateway({
      mcp_servers: {
        ...Object.fromEntries(GOOD.map((id) => [id, SERVER])),
        bad: { ...SERVER, call_timeout_s: 1 },
      },
    });
    const rig = new Rig(gateway, ms);
    await rig.#load.open(rig.#urls);
    await rig.#measure(); // warm code
    return rig;
  }

  get #urls(): readonly string[] {
    return GOOD.map((id) => this.#gateway.url(id));
  }

  async arm(fault: Fault, where: 'gateway' | 'outside'): Promise<Arm> {
    await this.#quiet.wait();
    const starts = this.#badPids.length;
    const bad = await startBadLoad(fault, where, this.#gateway.url('bad'));
    // Behind the gateway it waits for its back-off: what a start costs is not what is measured.
    if (where === 'gateway')
      await until('the bad server runs', () => this.#badPids.length > starts, START_MS_MAX);
    await this.#load.run({ ...this.#steady, ms: SETTLE_MS });
    const arm = await this.#measure();
    await stopBadLoad(bad);
    // A server that floods goes on until it is ended.
    if (where === 'gateway') this.#endBadServer();
    return arm;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#load.close();
    await this.#gateway[Symbol.asyncDispose]();
  }

  get #steady(): { readonly urls: readonly string[]; readonly callsPerSecond: number } {
    return { urls: this.#urls, callsPerSecond: CALLS_PER_SECOND };
  }

  async #measure(): Promise<Arm> {
    const latencies = await this.#load.run({ ...this.#steady, ms: this.#ms });
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, P99) };
  }

  /** Of every start of the bad server so far. */
  get #badPids(): readonly number[] {
    const started = this.#gateway
      .stderr()
      .matchAll(/mcp_server_started mcpServerId=bad pid=(\d+)/g);
    return [...started].map(([, digits]) => Number(digits));
  }

  #endBadServer(): void {
    const pid = this.#badPids.at(-1);
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended before.
    }
  }
}

async function startBadLoad(
  fault: Fault,
  where: 'gateway' | 'outside',
  url: string,
): Promise<ChildProcess> {
  const bad = spawn(process.execPath, [file('./bad-load.ts'), fault, where, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (bad.stdout === null) throw new Error('no output');
  await once(bad.stdout, 'data');
  return bad;
}

async function stopBadLoad(bad: ChildProcess): Promise<void> {
  const exited = once(bad, 'exit');
  bad.stdin?.end();
  await exited;
}

function show(fault: Fault, rounds: readonly Round[]): number {
  const ratios = rounds.map(({ through, outside }) => through.p99 / outside.p99);
  const figures = [
    median(rounds.map(({ outside }) => outside.p50)),
    median(rounds.map(({ through }) => through.p50)),
    median(rounds.map(({ outside }) => outside.p99)),
    median(rounds.map(({ through }) => through.p99)),
    median(ratios),
    quantile(ratios, 0.25),
    quantile(ratios, 0.75),
  ];
  console.log(
    [fault.padEnd(8), ...figures.map((figure) => figure.toFixed(2).padStart(8))].join(' '),
  );
  return median(ratios);
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '3' },
    /** A short run on a busy machine only shows what is badly wrong. */
    max: { type: 'string', default: '1.15' },
    faults: { type: 'string', default: 'none,hang,garbage,large,crash,freeze,flood' },
  },
});
const ratioMax = Number(values.max);
const faults = values.faults.split(',').filter(isFault);
await using rig = await Rig.start(Number(values.seconds) * 1_000);
const results = new Map<Fault, Round[]>(faults.map((fault) => [fault, []]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const fault of faults) {
    // Which arm comes first alternates: the machine may be getting busier or calmer.
    const first = round % 2 === 0 ? await rig.arm(fault, 'gateway') : undefined;
    const outside = await rig.arm(fault, 'outside');
    const through = first ?? (await rig.arm(fault, 'gateway'));
    results.get(fault)?.push({ through, outside });
  }
}
console.log(`others used ${Math.round(rig.othersShare * 100)} % of the CPUs`);
console.log('latencies of the other servers in ms; ratio of their p99, median and middle half');
console.log('fault     p50 out  p50 thr  p99 out  p99 thr    ratio      low     high');
const over = [...results].filter(([fault, rounds]) => show(fault, rounds) > ratioMax);
for (const [fault] of over) console.log(`FAILED: ${fault} is over ${ratioMax}`);
process.exitCode = over.length === 0 ? 0 : 1;
