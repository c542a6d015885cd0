/** Health for people, load balancers and Kubernetes. Readiness is the gateway's own ability, never its servers'. */

export interface Health {
  readonly uptimeMs: () => number;
  readonly started: () => boolean;
  readonly state: () => KeptState;
  readonly servers: () => { readonly total: number; readonly running: number };
}

/** Where the gateway keeps what is to outlive it. */
export interface KeptState {
  readonly kind: 'open' | 'unavailable';
  /** Where it is unavailable; everybody may read it. */
  readonly reason?: string;
  /** The operator asked for it: without it the gateway does not do what it was started for. */
  readonly isExplicit: boolean;
}

export interface HealthPage {
  readonly status: 200 | 503;
  readonly body: string;
}

const page = (healthy: boolean, body: Readonly<Record<string, unknown>>): HealthPage => ({
  status: healthy ? 200 : 503,
  body: `${JSON.stringify(body)}\n`,
});

/** The page at a path, or undefined where the path is none of ours. They need neither Host nor credentials. */
export function healthPage(
  path: string,
  health: Health,
  draining: boolean,
): HealthPage | undefined {
  const state = health.state();
  const isKeeping = state.kind === 'open' || !state.isExplicit;
  const isReady = health.started() && !draining && isKeeping;
  switch (path) {
    case '/health':
      return page(true, { status: 'ok', service: 'mcp-hangar' });
    case '/health/live':
      return page(true, { status: 'healthy' });
    case '/ready':
      return page(isReady, {
        ready: isReady,
        service: 'mcp-hangar',
        checks: { started: health.started(), draining },
      });
    case '/health/ready': {
      const { total, running } = health.servers();
      return page(isReady, {
        status: statusOf(health.started(), draining, isKeeping),
        state: state.kind === 'open' ? 'open' : `unavailable: ${state.reason ?? 'unknown'}`,
        running_mcp_servers: running,
        total_mcp_servers: total,
      });
    }
    case '/health/startup':
      return page(health.started(), {
        status: health.started() ? 'started' : 'starting',
        startup_complete: health.started(),
        uptime_seconds: Math.round(health.uptimeMs() / 1_000),
      });
    default:
      return undefined;
  }
}

function statusOf(started: boolean, draining: boolean, isKeeping: boolean): string {
  if (draining) return 'draining';
  if (!started) return 'starting';
  return isKeeping ? 'ready' : 'degraded';
}
