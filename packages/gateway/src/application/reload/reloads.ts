/**
 * Reads the configuration again and applies what has changed, whoever asks for it: a watch, a signal, a command, a
 * tool, a program.
 *
 * Invariants
 * 1. One at a time. Whoever asks while one is under way gets the outcome of the next, which sees what is there then.
 * 2. A configuration is applied as a whole or not at all: what is wrong with it leaves everything as it is.
 * 3. A content that is served already changes nothing and is not recorded.
 */
import { messageOf, stackOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { GenerationDiff } from '../../domain/mcp-server/generations.ts';
import {
  CONFIGURATION_STREAM,
  reloaded,
  reloadFailed,
  reloadRequested,
} from '../../domain/reload/events.ts';
import type { Clock, ConfigurationSource, EventSink, Logger } from '../ports.ts';
import type { Generations } from './generations.ts';

export interface ReloadRequest {
  /** Who wants it. */
  readonly by: string;
  /** Only says what it would do. */
  readonly isDryRun?: boolean;
  /** What goes may end the calls that it has at hand. */
  readonly isGraceful?: boolean;
  /** Nobody waits for an answer: a content that was refused before is not looked at again. */
  readonly isUnasked?: boolean;
}

export interface ReloadReport {
  /** Absolute. */
  readonly path: string;
  readonly isDryRun: boolean;
  /** The content is what is served already. */
  readonly isIdentical: boolean;
  readonly diff: Omit<GenerationDiff, 'steps'>;
  /** From the request on. */
  readonly durationMs: number;
  /** From the candidate to the servers in place. */
  readonly applyMs: number;
}

export type ReloadConfiguration = (request: ReloadRequest) => Promise<ReloadReport>;

export interface ReloadParts {
  readonly source: ConfigurationSource;
  readonly generations: Pick<Generations, 'compare' | 'apply' | 'configure'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  /** How long what goes may go on with what it has at hand. */
  readonly drainMs: number;
}

/** Dry runs that wait; each has an asker of its own. */
const DRY_RUNS_MAX = 64;

export class Reloads {
  readonly #parts: ReloadParts;
  /** Settles when all that was asked for is over. */
  #tail: Promise<unknown> = Promise.resolve();
  /** One that has not begun yet. */
  #next: { request: ReloadRequest; readonly done: Promise<ReloadReport> } | undefined;
  #dryRuns = 0;
  #isClosed = false;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /** @throws Fault CONFIG_INVALID, CONFIG_RESTART_REQUIRED, GATEWAY_STOPPING: then nothing has changed */
  request(request: ReloadRequest): Promise<ReloadReport> {
    if (request.isDryRun === true) return this.#dryRun(request);
    if (this.#next !== undefined) {
      if (request.isUnasked !== true) this.#next.request = request;
      return this.#next.done;
    }
    const done = this.#after(() => {
      const latest = this.#next?.request ?? request;
      this.#next = undefined;
      return this.#run(latest);
    });
    this.#next = { request, done };
    return done;
  }

  /** Nothing is applied any more. */
  close(): void {
    this.#isClosed = true;
  }

  async #dryRun(request: ReloadRequest): Promise<ReloadReport> {
    if (this.#dryRuns >= DRY_RUNS_MAX)
      throw new Fault('GATEWAY_BUSY', `${DRY_RUNS_MAX} dry runs wait for their turn`);
    this.#dryRuns += 1;
    try {
      return await this.#after(() => this.#run(request));
    } finally {
      this.#dryRuns -= 1;
    }
  }

  #after(work: () => Promise<ReloadReport>): Promise<ReloadReport> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined); // told to whoever asked
    return done;
  }

  async #run(request: ReloadRequest): Promise<ReloadReport> {
    const { source, generations, clock, logger, events, drainMs } = this.#parts;
    const { by, isDryRun = false, isGraceful = true, isUnasked = false } = request;
    const about = { path: source.path, by };
    const beganAtMs = clock.nowMs();
    const record = (event: Parameters<EventSink['record']>[1]): void => {
      if (!isDryRun) events.record(CONFIGURATION_STREAM, event);
    };
    let isRecorded = false;
    try {
      const next = await source.next(!isUnasked);
      if (this.#isClosed) throw new Fault('GATEWAY_STOPPING', 'the gateway is shutting down');
      if (next === undefined) {
        const { steps: _, ...diff } = generations.compare();
        const durationMs = clock.nowMs() - beganAtMs;
        return { path: about.path, isDryRun, isIdentical: true, diff, durationMs, applyMs: 0 };
      }
      record(reloadRequested(about));
      isRecorded = true;
      if (next.needRestart.length > 0) throw restartRequired(next.needRestart);
      const applyingAtMs = performance.now();
      const { steps: _, ...diff } = isDryRun
        ? generations.compare(next)
        : generations.apply(next, isGraceful ? drainMs : 0);
      const applyMs = performance.now() - applyingAtMs;
      const durationMs = clock.nowMs() - beganAtMs;
      if (!isDryRun) {
        generations.configure(next.execution);
        next.adopt();
        record(reloaded(about, { steps: [], ...diff }, durationMs));
        const { added, removed, updated, restarted } = diff;
        logger.info(
          { ...about, added, removed, updated, restarted, durationMs, applyMs },
          'configuration_reloaded',
        );
      }
      return { path: about.path, isDryRun, isIdentical: false, diff, durationMs, applyMs };
    } catch (error) {
      if (isDryRun) throw error;
      const code = error instanceof Fault ? error.code : 'GATEWAY_DEFECT';
      if (code === 'GATEWAY_STOPPING') throw error;
      if (!isRecorded) record(reloadRequested(about));
      record(reloadFailed(about, { message: messageOf(error), code }));
      const reason = error instanceof Fault ? messageOf(error) : stackOf(error);
      logger.warn({ ...about, reason }, 'configuration_not_reloaded');
      throw error;
    }
  }
}

function restartRequired(keys: readonly string[]): Fault {
  const what = keys.length === 1 ? 'a key that is' : 'keys that are';
  const detail = `The configuration changes ${what} read at the start of a gateway only: ${keys.join(', ')}; nothing was changed`;
  return new Fault('CONFIG_RESTART_REQUIRED', detail, { data: { keys } });
}
