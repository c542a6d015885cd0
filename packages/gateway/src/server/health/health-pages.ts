/** Health for people, load balancers and Kubernetes. Readiness is the gateway's own ability, never its servers'. */

export interface Health {
  readonly uptimeMs: () => number;
  readonly started: () => boolean;
  readonly servers: () => { readonly total: number; readonly running: number };
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
  const isReady = health.started() && !draining;
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
        status: isReady ? 'ready' : draining ? 'draining' : 'starting',
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
