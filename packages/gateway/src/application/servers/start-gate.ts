/** When a server may be started again after it failed, and what the last failure was. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { backoffMs } from '../../domain/mcp-server/backoff.ts';
import type { Clock } from '../ports.ts';

export class StartGate {
  readonly #id: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  #notBeforeMs = 0;
  #failedAtMs = 0;
  #lastFailure: string | undefined;
  /** What the failure would have been to the caller that met it. */
  #lastCode: Fault['code'] | undefined;

  constructor(id: string, clock: Clock, random: () => number) {
    this.#id = id;
    this.#clock = clock;
    this.#random = random;
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** Milliseconds until the next start is allowed; 0 = now. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#clock.nowMs());
  }

  /** @throws Fault MCP_SERVER_BACKING_OFF with the last failure and the time to wait */
  check(): void {
    const { waitMs } = this;
    if (waitMs === 0) return;
    const failure = this.#lastFailure ?? `Cannot start MCP server "${this.#id}" yet`;
    const detail = `${failure}; next try in ${Math.ceil(waitMs / 1_000)} s`;
    const cause = this.#lastCode === undefined ? {} : { cause: this.#lastCode };
    throw new Fault('MCP_SERVER_BACKING_OFF', detail, { data: { retryAfterMs: waitMs, ...cause } });
  }

  /** @param startedAtMs starts that ran side by side count once */
  failed(error: unknown, startedAtMs = this.#clock.nowMs()): void {
    this.#lastFailure = error instanceof Error ? error.message : String(error);
    this.#lastCode = error instanceof Fault ? error.code : undefined;
    if (startedAtMs < this.#failedAtMs) return;
    this.#failedAtMs = this.#clock.nowMs();
    this.#failures += 1;
    this.#notBeforeMs = this.#clock.nowMs() + backoffMs(this.#failures, this.#random());
  }

  /** It ended before it answered a call: the first time is forgiven, then the same ladder holds. */
  crashed(detail: string): void {
    this.#failures += 1;
    this.#lastCode = undefined;
    this.#lastFailure = `MCP server "${this.#id}" ${detail}`;
    this.#notBeforeMs = this.#clock.nowMs() + backoffMs(this.#failures - 1, this.#random());
  }

  succeeded(): void {
    this.#notBeforeMs = 0;
    this.#lastFailure = undefined;
  }

  /** It answered a call: what failed before is over. */
  answered(): void {
    this.#failures = 0;
  }
}
