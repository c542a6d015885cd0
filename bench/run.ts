// `npm run bench`: the gateway beside a hand-written floor and the bare pipe, in one run, in rounds whose
// order turns. Ratios are what counts: they do not move with the machine as times do.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { GATEWAY_COMMAND } from './arms.ts';
import { measureAll } from './figures.ts';
import { QuietGate } from './quiet.ts';
import { judge, tableOf, type Baseline, type Line, type Standard } from './report.ts';
import { median } from './statistics.ts';

const USAGE = `usage: npm run bench -- [--short] [--save] [--gateway-cmd "COMMAND {port} {config}"]
  --short        fewer rounds, about a minute, wider tolerance; targets are told but not enforced, and
                 nothing is compared where others use more than a quarter of the machine
  --save         keep the ratios of this run as bench/baseline.json
  --gateway-cmd  measure another gateway; it reads the same configuration file, and serves both eras`;

interface Mode extends Omit<Standard, 'baseline'> {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly blockMs: number;
  /** Where others used more of the machine, a ratio is told beside its baseline and not held to it. Percent. */
  readonly othersPercentMax: number;
  /** What a run may spend waiting for other people's load to go down. */
  readonly quietBudgetMs: number;
}

const FULL: Mode = {
  rounds: 41,
  warmUpMs: 2_500,
  blockMs: 100,
  quietBudgetMs: 60_000,
  othersPercentMax: 100,
  tolerance: 0.15,
  enforcesTargets: true,
};
const SHORT: Mode = {
  rounds: 11,
  warmUpMs: 2_000,
  blockMs: 100,
  quietBudgetMs: 8_000,
  othersPercentMax: 25,
  tolerance: 0.5,
  enforcesTargets: false,
};

const BASELINE_FILE = join(import.meta.dirname, 'baseline.json');
const RESULTS_FOLDER = join(dirname(import.meta.dirname), 'out', 'bench');

const BaselineFile = z.object({
  when: z.string(),
  node: z.string(),
  cpu: z.string(),
  ratios: z.partialRecord(
    z.enum([
      'addedP50',
      'callsPerSecond',
      'result1Mb',
      'toolsList',
      'stdioAddedP50',
      'stdioCallsPerSecond',
      'cpuSequential',
      'cpuConcurrent',
      'cpuBridgeMl',
      'cpuBridgeLm',
      'cpuBridgeMlAsking',
      'cpuGates',
    ]),
    z.number(),
  ),
});

const readBaseline = (): Baseline =>
  existsSync(BASELINE_FILE)
    ? BaselineFile.parse(JSON.parse(readFileSync(BASELINE_FILE, 'utf8'))).ratios
    : {};

const machine = () => ({
  when: new Date().toISOString(),
  node: process.versions.node,
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
});

function save(lines: readonly Line[]): void {
  const ratios = Object.fromEntries(
    lines.map((line) => [line.id, Number(line.ratio.median.toFixed(3))]),
  );
  writeFileSync(BASELINE_FILE, `${JSON.stringify({ ...machine(), ratios }, null, 2)}\n`);
  console.log('saved as bench/baseline.json');
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        short: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        'gateway-cmd': { type: 'string' },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`); // parseArgs throws errors
    return undefined;
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  if (!options) return 2;
  const startedMs = performance.now();
  const mode = options.short ? SHORT : FULL;
  const baseline = readBaseline();
  const quiet = new QuietGate(mode.quietBudgetMs);
  const samples = await measureAll({
    ...mode,
    quiet,
    gateway: options['gateway-cmd']?.split(' ') ?? GATEWAY_COMMAND,
    say: (line) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : ''),
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const othersPercent = Number((median(quiet.shares) * 100).toFixed(0));
  const isNoisy = othersPercent > mode.othersPercentMax;
  const lines = judge(samples, { ...mode, baseline: isNoisy ? {} : baseline });

  const result = { ...machine(), short: options.short, othersPercent, lines, samples };
  mkdirSync(RESULTS_FOLDER, { recursive: true });
  const file = join(RESULTS_FOLDER, `${result.when.replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);

  const failures = lines.filter((line) => line.isFailure);
  const percent = `${mode.tolerance * 100} %`;
  const comparison = isNoisy
    ? 'not compared with on a machine as busy as this one'
    : Object.keys(baseline).length > 0
      ? `at most ${percent} worse`
      : 'none saved yet';
  console.log(tableOf(lines));
  console.log(
    `\n${mode.rounds} rounds in ${((performance.now() - startedMs) / 1000).toFixed(0)} s, Node ${result.node},` +
      ` ${result.cpu}, others used ${othersPercent} % of it; baseline: ${comparison}`,
  );
  if (options.save) save(lines);
  console.log(`\n${lines.length - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`the bench failed: ${String(error)}`);
  process.exitCode = 1;
}
