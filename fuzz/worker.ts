/** The process in which one target is fuzzed; `fuzz/run.ts` starts and watches it. */
import { writeFileSync } from 'node:fs';
import { Coverage } from './engine/coverage.ts';
import { findingOf, type Finding } from './engine/finding.ts';
import { Fuzzer } from './engine/fuzzer.ts';
import type { FromWorker, Job } from './engine/job.ts';
import { loadTarget, seedsOf } from './engine/seeds.ts';

const tell = (message: FromWorker): void => void process.send?.(message);

/** Inputs in one file: how many bytes each has, then the bytes. */
const packed = (inputs: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from(`${JSON.stringify(inputs.map(({ length }) => length))}\n`),
    ...inputs,
  ]);

async function work(job: Job): Promise<void> {
  const coverage = new Coverage();
  coverage.start();
  const target = await loadTarget(job.target); // not before: what was loaded already is not counted
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
