import { expect, test } from 'vitest';
import { healthPage, type Health } from './health-pages.ts';

const health = (started: boolean): Health => ({
  uptimeMs: () => 12_345,
  started: () => started,
  state: () => ({ kind: 'open', isExplicit: false }),
  servers: () => ({ total: 4, running: 1 }),
});
type State = 'starting' | 'running' | 'draining';
type Path = '/health' | '/health/live' | '/ready' | '/health/ready' | '/health/startup';
type Page = readonly [status: 200 | 503, body: Readonly<Record<string, unknown>>];

const OK: Page = [200, { status: 'ok', service: 'mcp-hangar' }];
const LIVE: Page = [200, { status: 'healthy' }];
const ready = (isReady: boolean, started: boolean, draining: boolean): Page => [
  isReady ? 200 : 503,
  { ready: isReady, service: 'mcp-hangar', checks: { started, draining } },
];
const COUNTS = { state: 'open', running_mcp_servers: 1, total_mcp_servers: 4 };
const started = { status: 'started', startup_complete: true, uptime_seconds: 12 };

/** Load balancers and Kubernetes read these: every page in every state. */
const TABLE: Record<Path, Record<State, Page>> = {
  '/health': { starting: OK, running: OK, draining: OK },
  '/health/live': { starting: LIVE, running: LIVE, draining: LIVE },
  '/ready': {
    starting: ready(false, false, false),
    running: ready(true, true, false),
    draining: ready(false, true, true),
  },
  '/health/ready': {
    starting: [503, { status: 'starting', ...COUNTS }],
    running: [200, { status: 'ready', ...COUNTS }],
    draining: [503, { status: 'draining', ...COUNTS }],
  },
  '/health/startup': {
    starting: [503, { status: 'starting', startup_complete: false, uptime_seconds: 12 }],
    running: [200, started],
    draining: [200, started],
  },
};

test.each(Object.keys(TABLE) as Path[])('%s says in every state what the table says', (path) => {
  for (const state of Object.keys(TABLE[path]) as State[]) {
    const page = healthPage(path, health(state !== 'starting'), state === 'draining');
    const [status, body] = TABLE[path][state];
    expect({ state, status: page?.status }).toEqual({ state, status });
    expect(JSON.parse(page?.body ?? '')).toEqual(body);
    expect(page?.body.endsWith('}\n')).toBe(true);
  }
});

test.each(['/', '/healthz', '/health/', '/HEALTH', '/health/x', '/mcp', '/ready/', 'constructor'])(
  '%s is none of the pages',
  (path) => {
    expect(healthPage(path, health(true), false)).toBeUndefined();
  },
);

test.each([
  [false, 200, 'ready'],
  [true, 503, 'degraded'],
] as const)(
  'without a place for its state (asked for: %s) the gateway is %i %s, and says why',
  (isExplicit, status, word) => {
    const state = () => ({ kind: 'unavailable', reason: 'no space is left', isExplicit }) as const;
    const page = healthPage('/health/ready', { ...health(true), state }, false);
    expect(page?.status).toBe(status);
    expect(JSON.parse(page?.body ?? '')).toMatchObject({
      status: word,
      state: 'unavailable: no space is left',
    });
    expect(healthPage('/ready', { ...health(true), state }, false)?.status).toBe(status);
    expect(healthPage('/health/live', { ...health(true), state }, false)?.status).toBe(200);
  },
);
