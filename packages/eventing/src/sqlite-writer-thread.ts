/**
 * The worker that writes, as the main thread has it: started by the first message, and again by the next one after
 * it died. While it has nothing to do it does not keep the process alive.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { problemOf } from './sqlite-problem.ts';
import type { FromWriter, ToWriter } from './writer-messages.ts';

/** Both literal, so that a bundler finds the file. */
const ENTRY = import.meta.url.endsWith('.ts')
  ? new URL('./sqlite-worker.ts', import.meta.url)
  : new URL('./sqlite-worker.js', import.meta.url);

/** Room for one append of the largest size and its copy; what is not used is not taken. */
const RESOURCE_LIMITS = {
  maxOldGenerationSizeMb: 128,
  maxYoungGenerationSizeMb: 4,
  codeRangeSizeMb: 4,
  stackSizeMb: 1,
};
const END_MS_MAX = 5_000;

export interface WriterThreadObserver {
  onMessage(message: FromWriter): void;
  /** It is gone without having been told to go: what it had been sent may or may not be stored. */
  onGone(problem: string): void;
}

export class SqliteWriterThread {
  readonly #path: string;
  readonly #observer: WriterThreadObserver;
  #worker: Worker | undefined;

  constructor(path: string, observer: WriterThreadObserver) {
    this.#path = path;
    this.#observer = observer;
  }

  post(message: ToWriter): void {
    try {
      this.#worker ??= this.#start();
    } catch (error) {
      this.#observer.onGone(problemOf(error));
      return;
    }
    this.#worker.ref();
    this.#worker.postMessage(message);
  }

  /** Nothing is waited for: the process may end. */
  rest(): void {
    this.#worker?.unref();
  }

  /** Ends a worker that is silent. A system call that hangs ends with it when it returns. */
  abandon(problem: string): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    worker.unref();
    void worker.terminate();
    this.#observer.onGone(problem);
  }

  /** Lets it close the log; after a limit it is ended as it is, which loses nothing that was acknowledged. */
  async end(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    worker.ref();
    const limit = AbortSignal.timeout(END_MS_MAX);
    const exited = once(worker, 'exit', { signal: limit });
    worker.postMessage({ kind: 'close' } satisfies ToWriter);
    try {
      await exited;
    } catch {
      await worker.terminate();
    }
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, {
      name: 'event-log',
      workerData: this.#path,
      execArgv: [],
      env: {},
      resourceLimits: RESOURCE_LIMITS,
    });
    let problem = 'ended';
    worker.on('message', (message: FromWriter) => {
      if (this.#worker === worker) this.#observer.onMessage(message);
    });
    worker.on('error', (error: Error) => {
      problem = error.message;
    });
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#observer.onGone(problem);
    });
    return worker;
  }
}
