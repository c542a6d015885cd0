/** How calls ended within the last while, in a few buckets of time. */
import type { CountedCall } from './events.ts';

export interface WindowPolicy {
  readonly windowMs: number;
  /** Fewer calls within the window say nothing. */
  readonly callsMin: number;
  readonly errorRatePct: number | undefined;
  /** From then on a call is slow. */
  readonly slowCallMs: number | undefined;
  readonly slowRatePct: number;
}

interface Bucket {
  readonly key: number;
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** At most `BUCKETS` and one, the oldest first. */
export type Tally = readonly Bucket[];

export const EMPTY_TALLY: Tally = [];
const BUCKETS = 10;

const keyAt = ({ windowMs }: WindowPolicy, atMs: number): number =>
  Math.floor((atMs * BUCKETS) / windowMs);

export function counted(policy: WindowPolicy, tally: Tally, call: CountedCall): Tally {
  const key = keyAt(policy, call.atMs);
  const last = tally.at(-1);
  const before = last?.key === key ? last : { key, calls: 0, failures: 0, slow: 0 };
  const bucket: Bucket = {
    key,
    calls: before.calls + 1,
    failures: before.failures + (call.isFailure ? 1 : 0),
    slow: before.slow + (call.isSlow ? 1 : 0),
  };
  if (before === last) return tally.with(-1, bucket);
  // A bucket of the future was filled before the clock was set back.
  const others = tally.filter((each) => each.key > key - BUCKETS && each.key < key);
  return [...others, bucket];
}

/** What of the last while is too much; undefined where nothing is. */
export function reasonToTrip(
  policy: WindowPolicy,
  tally: Tally,
  nowMs: number,
): string | undefined {
  const key = keyAt(policy, nowMs);
  let [calls, failures, slow] = [0, 0, 0];
  for (const bucket of tally) {
    if (bucket.key <= key - BUCKETS || bucket.key > key) continue;
    calls += bucket.calls;
    failures += bucket.failures;
    slow += bucket.slow;
  }
  if (calls === 0 || calls < policy.callsMin) return undefined;
  const over = `of ${calls} calls in ${policy.windowMs / 1_000} s`;
  const { errorRatePct, slowCallMs, slowRatePct } = policy;
  if (errorRatePct !== undefined && failures * 100 >= errorRatePct * calls)
    return `${failures} ${over} failed`;
  if (slowCallMs !== undefined && slow * 100 >= slowRatePct * calls)
    return `${slow} ${over} took ${slowCallMs} ms or longer`;
  return undefined;
}
