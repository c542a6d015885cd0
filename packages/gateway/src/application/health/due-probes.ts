/** Which children of a server are asked whether they are alive, and when it is looked again. */
import { backoffMs } from '../../domain/mcp-server/backoff.ts';
import type { Child } from '../servers/child.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { McpServer } from '../servers/mcp-server.ts';

const JITTER = 0.1;
/** Between two looks, whatever the clock says. */
const LOOK_MS_MIN = 20;

type Looked = Pick<McpServer, 'phase' | 'spec' | 'health' | 'running' | 'retryInMs' | 'isInDoubt'>;

/** Children to ask now. */
export function probedNow(server: Looked, nowMs: number): readonly Child[] {
  if (server.phase === 'degraded' && server.retryInMs > 0) return [];
  const everyMs = server.spec.healthIntervalMs;
  if (everyMs === 0) return []; // since a reload
  return server.running.filter((child) => {
    if (isBusy(child, server.spec)) return false;
    return isDoubted(server) || silentMs(child, nowMs) >= everyMs * (1 - JITTER);
  });
}

/** @param random uniform in [0, 1) */
export function nextLookMs(server: Looked, nowMs: number, random: number): number {
  const everyMs = server.spec.healthIntervalMs;
  // Where nothing of it can be asked although it is due, it is not looked for that again and again.
  if (server.phase === 'degraded') return Math.max(LOOK_MS_MIN, server.retryInMs || everyMs);
  if (isDoubted(server)) {
    const waitMs = backoffMs(server.health.consecutiveFailures, random);
    return Math.max(LOOK_MS_MIN, Math.min(everyMs, waitMs));
  }
  // Those that work are looked at again after a whole interval: their calls have limits.
  const dueMs = server.running.map((child) =>
    isBusy(child, server.spec) ? everyMs : everyMs - silentMs(child, nowMs),
  );
  const earliestMs = Math.max(0, Math.min(everyMs, ...dueMs));
  return Math.max(LOOK_MS_MIN, earliestMs + everyMs * JITTER * (2 * random - 1));
}

const isDoubted = ({ phase, isInDoubt }: Looked): boolean => isInDoubt || phase === 'degraded';

/** Its calls have limits, unless nobody waits until they are reached: clients are often less patient. */
export function isBusy(child: Child, { failuresMax }: Pick<McpServerSpec, 'failuresMax'>): boolean {
  if (child.isGone || child.asking > 0) return true;
  return child.inFlight > 0 && child.givenUp < failuresMax;
}

/** Not negative where the clock was set back. */
const silentMs = (child: Child, nowMs: number): number => Math.max(0, nowMs - child.answeredAtMs);
