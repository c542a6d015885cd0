/**
 * What one bad server costs the others of its gateway: `node test/load/isolation.ts [--rounds 9] [--seconds 6]
 * [--faults hang,flood,…] [--max 1.15]`, a quarter of an hour.
 *
 * Two servers get steady load through one gateway. Beside them a bad one is called, once behind the same gateway and
 * once behind another one, in turns: the machine does the same work, starts of the bad server and its bytes included.
 * Of each round the p99 of the good servers' latencies is compared: what one server costs the others of its gateway.
 * Exit code 1 where the median ratio is over 1.15, also for the control, a server that answers well.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { QuietGate } from '../../bench/quiet.ts';
import { median, quantile } from '../../bench/statistics.ts';
import { LegacyClient } from '../support/clients.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import { isFault, type Fault } from './faults.ts';
import { SteadyLoad } from './steady-load.ts';

const CALLS_PER_SECOND = 300;
const SETTLE_MS = 300;
const P99 = 0.99;
/** Waited for moments without other work on the machine, in all. */
const QUIET_MS_MAX = 240_000;
const SHORT_MS = 1_000;

const BAD_LOAD = fileURLToPath(new URL('./bad-load.ts', import.meta.url));
const SCRIPT = fileURLToPath(new URL('./fixtures/faulty.mjs', import.meta.url));
const SERVER = { command: [process.execPath, SCRIPT] };
const GOOD = ['good-1', 'good-2'];
const BAD = { ...SERVER, call_timeout_s: 1 };

/** Where the bad server is. */
type Where = 'through' | 'outside';

interface Arm {
  readonly p50: number;
  readonly p99: number;
}

type Round = Readonly<Record<Where, Arm>>;

/** A gateway with the bad server, and somebody who starts and stops that. */
class BadPlace implements AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly #operator: LegacyClient;

  private constructor(gateway: GatewayProcess, operator: LegacyClient) {
    this.gateway = gateway;
    this.#operator = operator;
  }

  static async open(others: Config): Promise<BadPlace> {
    const gateway = await startGateway({ mcp_servers: { ...others, bad: BAD } });
    return new BadPlace(gateway, await LegacyClient.open(gateway.url()));
  }

  /** A deliberate start forgives what was: no back-off is left of the arm before. */
  async start(fault: Fault): Promise<ChildProcess> {
    await this.#ask('registry_start');
    return startBadLoad(fault, this.gateway.url('bad'));
  }

  /** One that floods goes on until it is ended. */
  async stop(load: ChildProcess): Promise<void> {
    await stopBadLoad(load);
    await this.#ask('registry_stop');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
  }

  async #ask(tool: string): Promise<void> {
    const answer = await this.#operator.call(tool, { provider: 'bad' }).answer();
    if (answer.result?.['isError'] === true || answer.error !== undefined)
      throw new Error(`${tool}: ${JSON.stringify(answer)}`);
  }
}

class Rig implements AsyncDisposable {
  readonly #places: Readonly<Record<Where, BadPlace>>;
  readonly #load = new SteadyLoad();
  readonly #quiet: QuietGate;
  readonly #ms: number;

  private constructor(places: Readonly<Record<Where, BadPlace>>, ms: number) {
    this.#places = places;
    this.#ms = ms;
    this.#quiet = new QuietGate(ms < SHORT_MS ? 0 : QUIET_MS_MAX);
  }

  /** What others used of the CPUs when an arm began. */
  get othersShare(): number {
    return median(this.#quiet.shares);
  }

  static async start(ms: number): Promise<Rig> {
    const through = await BadPlace.open(Object.fromEntries(GOOD.map((id) => [id, SERVER])));
    const rig = new Rig({ through, outside: await BadPlace.open({}) }, ms);
    await rig.#load.open(rig.#urls);
    await rig.#measure(); // warm code
    return rig;
  }

  get #urls(): readonly string[] {
    return GOOD.map((id) => this.#places.through.gateway.url(id));
  }

  async arm(fault: Fault, where: Where): Promise<Arm> {
    await this.#quiet.wait();
    const place = this.#places[where];
    const bad = await place.start(fault);
    await this.#load.run({ ...this.#steady, ms: SETTLE_MS });
    const arm = await this.#measure();
    await place.stop(bad);
    return arm;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#load.close();
    for (const place of Object.values(this.#places)) await place[Symbol.asyncDispose]();
  }

  get #steady(): { readonly urls: readonly string[]; readonly callsPerSecond: number } {
    return { urls: this.#urls, callsPerSecond: CALLS_PER_SECOND };
  }

  async #measure(): Promise<Arm> {
    const latencies = await this.#load.run({ ...this.#steady, ms: this.#ms });
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, P99) };
  }
}

async function startBadLoad(fault: Fault, url: string): Promise<ChildProcess> {
  const bad = spawn(process.execPath, [BAD_LOAD, fault, url], {
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
    seconds: { type: 'string', default: '6' },
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
    const first = round % 2 === 0 ? await rig.arm(fault, 'through') : undefined;
    const outside = await rig.arm(fault, 'outside');
    const through = first ?? (await rig.arm(fault, 'through'));
    results.get(fault)?.push({ through, outside });
  }
}
console.log(`others used ${Math.round(rig.othersShare * 100)} % of the CPUs`);
console.log('latencies of the other servers in ms; ratio of their p99, median and middle half');
console.log('fault     p50 out  p50 thr  p99 out  p99 thr    ratio      low     high');
const over = [...results].filter(([fault, rounds]) => show(fault, rounds) > ratioMax);
for (const [fault] of over) console.log(`FAILED: ${fault} is over ${ratioMax}`);
process.exitCode = over.length === 0 ? 0 : 1;
