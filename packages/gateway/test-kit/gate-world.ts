/** Calls and servers as the gate sees them. */
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import { afterEach, assert, beforeEach, vi } from 'vitest';
import { ExecutionGate } from '../src/application/execution/execution-gate.ts';
import type { Guarded, GuardedServer, Passage } from '../src/application/execution/guarded-call.ts';
import type { CallGate, Retrying } from '../src/application/calls/call-gate.ts';
import { STANDARD_RETRY, type RetryPolicy } from '../src/domain/execution/retry-policy.ts';
import {
  NO_LIMITS,
  type ExecutionSettings,
  type ServerExecution,
} from '../src/domain/execution/settings.ts';
import { SILENT, specOf } from './scripted-launcher.ts';

export const QUEUE_TIMEOUT_MS = 1_000;
export const CALL_TIMEOUT_MS = 10_000;
export const NONE = Number.POSITIVE_INFINITY;
const FREE: ServerExecution = {
  concurrencyMax: NONE,
  rateLimit: undefined,
  toolRateLimits: [],
  retry: undefined,
};
export const POLICY: RetryPolicy = { ...STANDARD_RETRY, attemptsMax: 3, jitter: 0 };

/** Time that stands still until a test lets it pass. */
export class StoppedTime {
  nowMs = 1;

  /** For all tests of a file. */
  static forTests(): StoppedTime {
    const time = new StoppedTime();
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
      vi.spyOn(performance, 'now').mockImplementation(() => time.nowMs);
    });
    afterEach(() => {
      vi.restoreAllMocks();
      vi.useRealTimers();
    });
    return time;
  }

  /** A tenth of the shortest limit at a time. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.nowMs += Math.min(100, left);
      await vi.advanceTimersByTimeAsync(Math.min(100, left));
    }
  }
}

export const gateOf = (settings: Partial<ExecutionSettings> = {}): ExecutionGate =>
  new ExecutionGate({
    settings: { ...NO_LIMITS, queueTimeoutMs: QUEUE_TIMEOUT_MS, ...settings },
    logger: SILENT,
    random: () => 0.5,
  });
export const serverOf = (execution: Partial<ServerExecution> = {}, id = 'up'): GuardedServer => ({
  spec: specOf({ id, execution: { ...FREE, ...execution } }),
  retryInMs: 0,
});

/** A call whose attempts do what the test says. */
export class TestCall implements Guarded {
  settled = false;
  gate: CallGate | undefined;
  error: unknown;
  /** The time that each attempt was given; infinite where it has that of every call. */
  readonly attempts: number[] = [];
  readonly retries: Retrying[] = [];

  admit(gate: ExecutionGate, server: GuardedServer, passage: Partial<Passage> = {}): this {
    gate.admit(this, {
      server,
      principal: 'somebody',
      tool: 'tool',
      timeoutMs: CALL_TIMEOUT_MS,
      isRepeatable: () => false,
      attempt: (limit) => void this.attempts.push(limit?.timeoutMs ?? NONE),
      onRetry: (retry) => void this.retries.push(retry),
      ...passage,
    });
    return this;
  }

  end(): void {
    this.settled = true;
    this.gate?.over();
  }

  fail(error: unknown): void {
    if (error instanceof Fault && this.gate?.triesAgain(error, false) === true) return;
    this.error = error;
    this.end();
  }

  breaks(code: ErrorCode = 'UPSTREAM_ENDED', isUnsent = false): void {
    const fault = new Fault(code, 'it broke');
    if (this.gate?.triesAgain(fault, isUnsent) === true) return;
    this.error = fault;
    this.end();
  }

  get runs(): boolean {
    return this.attempts.length > 0;
  }

  get fault(): Fault {
    assert(this.error instanceof Fault);
    return this.error;
  }
}
export const run = (
  gate: ExecutionGate,
  server: GuardedServer,
  passage?: Partial<Passage>,
): TestCall => new TestCall().admit(gate, server, passage);
