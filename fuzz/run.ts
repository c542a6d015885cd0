// `npm run fuzz -- [--target NAME] --minutes N [--seed S] [--parallel N]`: fuzzes what faces bytes from outside, each
// target in a process of its own. `--target NAME --input FILE` tries one input. Exit code 1 with findings.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resultLine, TABLE_HEAD } from './engine/result-table.ts';
import { runTarget, type TargetResult } from './engine/run-target.ts';
import { TARGETS } from './engine/seeds.ts';

const MINUTES_MAX = 1_440;

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    executions: { type: 'string' },
    seed: { type: 'string' },
    parallel: { type: 'string', default: '1' },
    input: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

function number(name: 'minutes' | 'executions' | 'seed' | 'parallel', max: number): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value > 0 && value <= max) return value;
  throw new Error(`--${name} must be a number above 0, at most ${max}`);
}

function chosen(): readonly string[] {
  if (values.target === undefined) return TARGETS;
  const names = values.target.split(',');
  const unknown = names.filter((name) => !TARGETS.includes(name));
  if (unknown.length > 0)
    throw new Error(`no target "${unknown.join(', ')}"; there are ${TARGETS.join(', ')}`);
  return names;
}

async function main(): Promise<readonly TargetResult[]> {
  const names = [...chosen()];
  const input = values.input === undefined ? undefined : readFileSync(values.input);
  if (input !== undefined && names.length !== 1) throw new Error('--input needs one --target');
  const seed =
    values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : number('seed', 2 ** 32);
  const findings = join(import.meta.dirname, 'findings');
  mkdirSync(findings, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'hangar-fuzz-'));
  const job = {
    seed,
    ms: number('minutes', MINUTES_MAX) * 60_000,
    executionsMax: values.executions === undefined ? Infinity : number('executions', 1e9),
    inputs: input && [input.toString('base64')],
    folder,
    findings,
  };
  const results: TargetResult[] = [];
  const say = values.json ? () => undefined : (line: string) => console.log(line);
  if (input === undefined) say(`seed ${seed}\n${TABLE_HEAD}`);
  const lane = async (): Promise<void> => {
    for (let target = names.shift(); target !== undefined; target = names.shift()) {
      const result = await runTarget({ ...job, target });
      results.push(result);
      if (input === undefined) say(resultLine(result));
      for (const { what, command } of result.findings) say(`\n${what}\n  again: ${command}\n`);
    }
  };
  try {
    await Promise.all(Array.from({ length: number('parallel', 64) }, lane));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

try {
  const results = await main();
  const count = results.reduce((sum, { findings }) => sum + findings.length, 0);
  if (values.json) console.log(JSON.stringify(results));
  else console.log(`\n${results.length} targets, ${count} findings`);
  process.exitCode = count === 0 ? 0 : 1;
} catch (error) {
  console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
