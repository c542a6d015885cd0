/** Token buckets: one over all, one a principal, one a server, one for each of its globs of tools. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { matchesGlob } from '../../domain/catalog/glob.ts';
import type { ServerExecution } from '../../domain/execution/settings.ts';
import { TokenBucket, type RateLimit } from '../../domain/execution/token-bucket.ts';

/** Names of tools whose buckets are kept looked up; clients choose them. */
const TOOLS_MAX = 1_000;
/** Principals whose buckets are kept; beyond, those go that may call as much as a new one. */
const PRINCIPALS_MAX = 10_000;

/** A bucket, with what a refusal says of it. */
interface NamedBucket {
  /** The key of the configuration. */
  readonly key: string;
  /** Whose calls it counts. */
  readonly what: string;
  readonly bucket: TokenBucket;
}

/**
 * Takes a token of each bucket or of none: of those before every server, and of those of one.
 * @throws Fault RATE_LIMITED
 */
export function takeTokens(
  shared: readonly NamedBucket[],
  own: readonly NamedBucket[],
  nowMs: number,
): void {
  const wait = longestWait(own, nowMs, longestWait(shared, nowMs, undefined));
  if (wait !== undefined) throw refusal(wait);
  for (const { bucket } of shared) bucket.take();
  for (const { bucket } of own) bucket.take();
}

interface Wait {
  readonly named: NamedBucket;
  readonly ms: number;
}

function longestWait(
  buckets: readonly NamedBucket[],
  nowMs: number,
  before: Wait | undefined,
): Wait | undefined {
  let longest = before;
  for (const named of buckets) {
    const ms = named.bucket.waitMs(nowMs);
    if (ms > (longest?.ms ?? 0)) longest = { named, ms };
  }
  return longest;
}

function refusal({ named: { key, what, bucket }, ms }: Wait): Fault {
  const { perSecond, burst } = bucket.limit;
  const limit = `${perSecond} calls a second and ${burst} at once`;
  const detail = `${what} may make ${limit} (${key}); try again in ${ms} ms`;
  return new Fault('RATE_LIMITED', detail, { data: { limit: key, retryAfterMs: ms } });
}

/** The buckets of one server. */
export class ServerBuckets {
  readonly #all: readonly NamedBucket[];
  readonly #tools: readonly (NamedBucket & { readonly glob: string })[];
  readonly #ofTool = new Map<string, readonly NamedBucket[]>();

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
    const known = this.#ofTool.get(tool);
    if (known !== undefined) return known;
    if (this.#ofTool.size >= TOOLS_MAX) this.#ofTool.clear();
    const its = [...this.#all, ...this.#tools.filter(({ glob }) => matchesGlob(tool, [glob]))];
    this.#ofTool.set(tool, its);
    return its;
  }
}

/** The buckets that stand before every server. */
export class SharedBuckets {
  readonly #global: readonly NamedBucket[];
  readonly #ofPrincipals: RateLimit | undefined;
  readonly #principals = new Map<string, Principal>();

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
    const known = this.#principals.get(principal);
    if (known !== undefined) return known.buckets;
    const bucket = new TokenBucket(this.#ofPrincipals, nowMs);
    const own = { key: 'rate_limit.per_principal', what: 'each client', bucket };
    const buckets = [...this.#global, own];
    if (this.#principals.size >= PRINCIPALS_MAX) this.#forgetOne(nowMs);
    this.#principals.set(principal, { bucket, buckets });
    return buckets;
  }

  /** Principals that have called lately enough to be limited by it. */
  activeCount(nowMs: number): number {
    let active = this.#global.filter(({ bucket }) => !bucket.isFull(nowMs)).length;
    for (const { bucket } of this.#principals.values()) if (!bucket.isFull(nowMs)) active += 1;
    return active;
  }

  /** One whose bucket is as good as a new one, or else the one that is known longest. */
  #forgetOne(nowMs: number): void {
    let longest: string | undefined;
    for (const [principal, { bucket }] of this.#principals) {
      longest ??= principal;
      if (!bucket.isFull(nowMs)) continue;
      longest = principal;
      break;
    }
    if (longest !== undefined) this.#principals.delete(longest);
  }
}

interface Principal {
  readonly bucket: TokenBucket;
  /** Its own and those of all. */
  readonly buckets: readonly NamedBucket[];
}
