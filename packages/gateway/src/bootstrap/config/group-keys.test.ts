import { describe, expect, it } from 'vitest';
import { loadGatewayConfig } from './load-config.ts';
import { type Accepts, childAccepts, factsOf, knownKeys, unwrap } from './schema-walk.ts';
import { serverEntry } from './schema-server.ts';

/** Every active key of an entry and of its blocks; members have the keys of servers. */
function keysOf(accepts: Accepts): readonly string[] {
  return [...knownKeys(accepts)].flatMap(([key, schema]) => {
    if (factsOf(schema).inactive === 'refuse') return [];
    const inner = key === 'members' ? [] : keysOf(childAccepts(accepts, key));
    return inner.length === 0 ? [key] : inner.map((below) => `${key}.${below}`);
  });
}

/** Where a group that has this key is told that it means nothing there. */
function refusedAt(key: string): readonly string[] {
  const value = key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), 1);
  const pool = { mode: 'group', members: [{ id: 'one', command: 'x' }], ...Object(value) };
  const text = JSON.stringify({ mcp_servers: { pool } });
  const loaded = loadGatewayConfig({ env: {}, text, path: 'config.yaml' });
  return (loaded.ok ? [] : loaded.error).flatMap(({ path, message, fix }) =>
    message.includes('means nothing on a group') && fix === 'set it at its members' ? [path] : [],
  );
}

/** Of an access policy that is refused; this build asks nobody for approvals. */
const NOT_YET = new Set(['tools.approval_channel', 'tools.approval_timeout_seconds']);
const EXAMPLES = [
  'backup',
  'circuit_breaker.window_s',
  'failover.backup',
  'http.max_retries',
  'era',
];

describe('Of the keys of an entry a group', () => {
  const keys = keysOf(unwrap(serverEntry()));

  it('takes these, which it obeys itself', () => {
    const taken = keys.filter((key) => refusedAt(key).length === 0);
    expect(taken.filter((key) => !NOT_YET.has(key)).toSorted()).toEqual([
      'auto_start',
      'call_timeout_s',
      'canary.member',
      'canary.pinned_tenants',
      'canary.split_pct',
      'circuit_breaker.failure_threshold',
      'circuit_breaker.reset_timeout_s',
      'description',
      'enabled',
      'failover.max_members',
      'health.healthy_threshold',
      'health.unhealthy_threshold',
      'hedge_after_ms',
      'max_concurrency',
      'members',
      'min_healthy',
      'mode',
      'predefined_tools',
      'rate_limit.burst',
      'rate_limit.rps',
      'rate_limit.tools',
      'session_affinity.by',
      'session_affinity.header',
      'session_affinity.ttl_s',
      'strategy',
      'tools.hide',
    ]);
  });

  it('refuses every other one, once and at its place', () => {
    const refused = keys.filter((key) => refusedAt(key).length > 0);
    expect(refused).toEqual(expect.arrayContaining(EXAMPLES));
    for (const key of refused) {
      const [at, ...others] = refusedAt(key);
      expect(others).toEqual([]);
      expect(`mcp_servers.pool.${key}.`).toContain(`${at}.`);
    }
  });

  it('says of a name that nobody knows only that', () => {
    const pool = '{mode: group, members: [{id: a, command: x}], circuit_breaker: {window: 1}}';
    const text = `mcp_servers: {pool: ${pool}}`;
    const loaded = loadGatewayConfig({ env: {}, text, path: 'config.yaml' });
    expect(loaded.ok ? [] : loaded.error).toMatchObject([
      {
        path: 'mcp_servers.pool.circuit_breaker.window',
        message: expect.stringContaining('unknown'),
      },
    ]);
  });
});
