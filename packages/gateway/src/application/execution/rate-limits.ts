/** Token buckets: one over all, one a principal, one a server, one for each of its globs of tools. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { matchesGlob } from '../../domain/catalog/glob.ts';
import type { ServerExecution } from '../../domain/execution/settings.ts';
import { TokenBucket, type RateLimit } from '../../domain/execution/token-bucket.ts';

/** Principals whose buckets are kept; beyond, those go that called longest ago. */
const PRINCIPALS_MAX = 10_000;

/** A bucket, with what a refusal says of it. */
interface NamedBucket {
  /** The key of the configuration. */
  readonly key: string;
  /** Whose calls it counts. */
  readonly what: string;
  readonly bucket: TokenBucket;
}

/** Takes tokens of all buckets or of none. @throws Fault RATE_LIMITED */
export function takeTokens(buckets: readonly NamedBucket[], count: number, nowMs: number): void {
  let worst: NamedBucket | undefined;
  let worstMs = 0;
  for (const named of buckets) {
    const waitMs = named.bucket.waitMs(count, nowMs);
    if (waitMs > worstMs) [worst, worstMs] = [named, waitMs];
  }
  if (worst !== undefined) throw refusal(worst, worstMs);
  for (const { bucket } of buckets) bucket.take(count, nowMs);
}

function refusal({ key, what, bucket }: NamedBucket, waitMs: number): Fault {
  const { perSecond, burst } = bucket.limit;
  const limit = `${perSecond} calls a second and ${burst} at once`;
  const isNever = waitMs === Number.POSITIVE_INFINITY;
  const next = isNever ? 'so many at once are never let through' : `try again in ${waitMs} ms`;
  const detail = `${what} may make ${limit} (${key}); ${next}`;
  return new Fault('RATE_LIMITED', detail, {
    data: { limit: key, ...(isNever ? {} : { retryAfterMs: waitMs }) },
  });
}

/** The buckets of one server. */
export class ServerBuckets {
  readonly #all: readonly NamedBucket[];
  readonly #tools: readonly (NamedBucket & { readonly glob: string })[];

  constructor(
    id: string,
    { rateLimit, toolRateLimits }: Pick<ServerExecution, 'rateLimit' | 'toolRateLimits'>,
    nowMs: number,
  ) {
    const key = `mcp_servers.${id}.rate_limit`;
    const what = `clients of MCP server "${id}"`;
    this.#all =
      rateLimit === undefined ? [] : [{ key, what, bucket: new TokenBucket(rateLimit, nowMs) }];
    this.#tools = toolRateLimits.map(({ glob, limit }) => ({
      glob,
      key: `${key}.tools.${glob}`,
      what: `clients of tools "${glob}" of MCP server "${id}"`,
      bucket: new TokenBucket(limit, nowMs),
    }));
  }

  /** @param tool the server's own name; undefined where the call is for no tool */
  of(tool: string | undefined): readonly NamedBucket[] {
    if (tool === undefined || this.#tools.length === 0) return this.#all;
    return [...this.#all, ...this.#tools.filter(({ glob }) => matchesGlob(tool, [glob]))];
  }
}

/** The buckets that stand before every server. */
export class SharedBuckets {
  readonly #global: readonly NamedBucket[];
  readonly #ofPrincipals: RateLimit | undefined;
  /** Those that called last stand last. */
  readonly #principals = new Map<string, NamedBucket>();

  constructor(
    limits: { readonly all: RateLimit | undefined; readonly principal: RateLimit | undefined },
    nowMs: number,
  ) {
    const { all } = limits;
    const what = 'all clients together';
    this.#global =
      all === undefined ? [] : [{ key: 'rate_limit', what, bucket: new TokenBucket(all, nowMs) }];
    this.#ofPrincipals = limits.principal;
  }

  of(principal: string, nowMs: number): readonly NamedBucket[] {
    if (this.#ofPrincipals === undefined) return this.#global;
    const own = this.#principals.get(principal) ?? {
      key: 'rate_limit.per_principal',
      what: 'each client',
      bucket: new TokenBucket(this.#ofPrincipals, nowMs),
    };
    this.#principals.delete(principal);
    this.#principals.set(principal, own);
    if (this.#principals.size > PRINCIPALS_MAX) this.#forgetOne();
    return [...this.#global, own];
  }

  /** Principals that have called lately enough to be limited by it. */
  activeCount(nowMs: number): number {
    let active = this.#global.filter(({ bucket }) => !bucket.isFull(nowMs)).length;
    for (const { bucket } of this.#principals.values()) if (!bucket.isFull(nowMs)) active += 1;
    return active;
  }

  #forgetOne(): void {
    const oldest = this.#principals.keys().next().value;
    if (oldest !== undefined) this.#principals.delete(oldest);
  }
}
