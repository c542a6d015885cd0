/** One target in a process of its own, watched: what ends the process, or stops it, is a finding too. */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findingOf } from './finding.ts';
import type { FuzzReport } from './fuzzer.ts';
import type { FromWorker, Job } from './job.ts';

/** A batch takes a fraction of a second; several of these in a row were slow, or one hangs. */
const SILENCE_MS_MAX = 30_000;
const OUTPUT_CHARS_MAX = 4_000;
const HEAP_MIB_MAX = 2_048;
/**
 * Left alone, the room for young objects, the arenas of the allocator (one a thread) and the pages that helper threads
 * give back breathe by 20 MiB within minutes while what is held stays the same: a slope through that says nothing.
 */
const YOUNG_MIB_MAX = 4;
/** And what is large and given back goes back to the system at once, as it does before the allocator adapts itself. */
const PLAIN_ALLOCATOR = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
const ROOT = join(import.meta.dirname, '..', '..');

export interface TargetJob extends Omit<Job, 'journal'> {
  /** For what only lasts as long as the run. */
  readonly folder: string;
  readonly findings: string;
  readonly silenceMsMax?: number;
}

export interface TargetResult {
  readonly target: string;
  /** Undefined where the process did not live to give it. */
  readonly report: FuzzReport | undefined;
  readonly findings: readonly KeptFinding[];
}

export interface KeptFinding {
  readonly what: string;
  readonly file: string;
  /** Shows it again. */
  readonly command: string;
}

/** Runs a target to its end. Where its process dies or hangs, the inputs of that moment are tried one by one. */
export async function runTarget(job: TargetJob): Promise<TargetResult> {
  const kept = new Map<string, KeptFinding>();
  const keep = (hash: string, what: string, input: Buffer): void => {
    const file = join(job.findings, `${basename(job.target)}-${hash}.bin`);
    writeFileSync(file, input);
    const command = `npm run fuzz -- --target ${job.target} --input ${file.slice(ROOT.length + 1)}`;
    kept.set(hash, { what: `${job.target}: ${what}`, file, command });
  };
  const journal = join(job.folder, `${basename(job.target)}.journal`);
  writeFileSync(journal, '[]\n');
  const { report, problem } = await watched({ ...job, journal }, keep);
  if (problem !== undefined) await blame(job, { journal, problem, keep });
  if (report?.memory.grows === true) {
    const slope = report.memory.slopeMibPerMinute?.toFixed(2);
    const marks = report.memory.marks.join(' ');
    keep('memory', `anonymous memory grows by ${slope} MiB a minute: ${marks}`, Buffer.alloc(0));
  }
  return { target: job.target, report, findings: [...kept.values()] };
}

type Keep = (hash: string, what: string, input: Buffer) => void;

interface Lost {
  readonly journal: string;
  readonly problem: string;
  readonly keep: Keep;
}

async function blame(job: TargetJob, { journal, problem, keep }: Lost): Promise<void> {
  const inputs = unpacked(readFileSync(journal));
  for (const input of job.inputs === undefined ? inputs : []) {
    const alone = { ...job, inputs: [input.toString('base64')], executionsMax: 1 };
    const again = await watched({ ...alone, journal: `${journal}.one` }, keep);
    if (again.problem === undefined) continue;
    keep(findingOf(again.problem, input).hash, again.problem, input);
    return;
  }
  // Only together, or only once: all of them are kept.
  keep(findingOf(problem, Buffer.alloc(0)).hash, problem, Buffer.concat(inputs));
}

function unpacked(journal: Buffer): readonly Buffer[] {
  const head = journal.indexOf(10);
  const lengths = JSON.parse(journal.toString('utf8', 0, head)) as readonly number[];
  let at = head + 1;
  return lengths.map((length) => journal.subarray(at, (at += length)));
}

interface WatchedJob extends Job {
  readonly silenceMsMax?: number;
}

interface Run {
  readonly report: FuzzReport | undefined;
  readonly problem: string | undefined;
}

async function watched(
  { silenceMsMax = SILENCE_MS_MAX, ...job }: WatchedJob,
  keep: Keep,
): Promise<Run> {
  const child = fork(join(ROOT, 'fuzz', 'worker.ts'), [], {
    execArgv: [
      '--conditions=source',
      '--expose-gc',
      '--no-warnings=ExperimentalWarning',
      `--max-old-space-size=${HEAP_MIB_MAX}`,
      `--max-semi-space-size=${YOUNG_MIB_MAX}`,
      '--single-threaded-gc',
    ],
    env: { ...process.env, ...PLAIN_ALLOCATOR },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = lastOutput(child);
  let report: FuzzReport | undefined;
  let isHung = false;
  const hang = (): void => {
    isHung = true;
    child.kill('SIGKILL');
  };
  let silence = setTimeout(hang, silenceMsMax);
  child.on('message', (message: FromWorker) => {
    clearTimeout(silence);
    silence = setTimeout(hang, silenceMsMax);
    if (message.kind === 'report') report = message.report;
    if (message.kind === 'finding')
      keep(message.hash, message.what, Buffer.from(message.input, 'base64'));
  });
  child.send({ ...job, executionsMax: Math.min(job.executionsMax, Number.MAX_SAFE_INTEGER) });
  const ending = await new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  clearTimeout(silence);
  if (isHung) return { report, problem: `hangs: nothing was heard for ${silenceMsMax} ms` };
  if (ending === 'exit code 0') return { report, problem: undefined };
  return { report, problem: `the process ended with ${ending}\n${output()}` };
}

/** The last of what a process wrote. */
function lastOutput(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARS_MAX);
    });
  return () => text.trim();
}
