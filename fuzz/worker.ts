/** The process in which one target is fuzzed; `fuzz/run.ts` starts and watches it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coverage } from './engine/coverage.ts';
import { findingOf, type Finding } from './engine/finding.ts';
import { Fuzzer } from './engine/fuzzer.ts';
import type { FromWorker, Job } from './engine/job.ts';
import type { Target } from './engine/target.ts';

const tell = (message: FromWorker): void => void process.send?.(message);

function seedsOf(name: string, { beginnings }: Target): readonly Buffer[] {
  const folder = join(import.meta.dirname, 'seeds', name);
  const files = existsSync(folder)
    ? readdirSync(folder).map((file) => readFileSync(join(folder, file)))
    : [];
  return [...beginnings.map((text) => Buffer.from(text)), ...files];
}

/** Inputs in one file: how many bytes each has, then the bytes. */
const packed = (inputs: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from(`${JSON.stringify(inputs.map(({ length }) => length))}\n`),
    ...inputs,
  ]);

async function work(job: Job): Promise<void> {
  const coverage = new Coverage();
  coverage.start();
  const { target } = (await import(`./targets/${job.target}.ts`)) as { readonly target: Target };
  const subject = await target.open();
  const found = ({ hash, what, input }: Finding): void =>
    tell({ kind: 'finding', hash, what, input: input.toString('base64') });
  const fuzzer = new Fuzzer(subject, {
    target,
    seeds: job.inputs?.map((text) => Buffer.from(text, 'base64')) ?? seedsOf(job.target, target),
    seed: job.seed,
    untilMs: job.inputs === undefined ? performance.now() + job.ms : 0,
    executionsMax: job.executionsMax,
    coverage,
    announce: (inputs) => {
      writeFileSync(job.journal, packed(inputs));
      tell({ kind: 'alive' });
    },
    found,
  });
  process.on('uncaughtException', (error) => fuzzer.stray(error));
  process.on('unhandledRejection', (error) => fuzzer.stray(error));
  process.on('warning', (warning) => {
    if (warning.name === 'MaxListenersExceededWarning') fuzzer.stray(warning);
  });
  const report = await fuzzer.run();
  tell({ kind: 'report', report });
  await subject.close();
}

process.once('message', (job: Job) => {
  work(job)
    .catch((error: unknown) => {
      const { hash, what } = findingOf(error, Buffer.alloc(0));
      tell({ kind: 'finding', hash, what: `the target does not open: ${what}`, input: '' });
    })
    .finally(() => process.disconnect());
});
