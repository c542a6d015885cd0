/** Health for people, load balancers and Kubernetes. Readiness is the gateway's own ability, never its servers'. */

export interface Health {
  readonly uptimeMs: () => number;
  readonly started: () => boolean;
  /** What of the gateway's records does not last; undefined where all is well. */
  readonly records: () => { readonly reason: string; readonly isConfigured: boolean } | undefined;
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
  const problem = health.records();
  // Without a place of its own choice a gateway serves as well as with one; without the operator's it does not.
  const lostPlace = problem?.isConfigured === true;
  const isReady = health.started() && !draining && !lostPlace;
  const records = problem === undefined ? 'durable' : `in memory: ${problem.reason}`;
  switch (path) {
    case '/health':
      return page(true, { status: 'ok', service: 'mcp-hangar' });
    case '/health/live':
      return page(true, { status: 'healthy' });
    case '/ready':
      return page(isReady, {
        ready: isReady,
        service: 'mcp-hangar',
        checks: { started: health.started(), draining, records },
      });
    case '/health/ready': {
      const { total, running } = health.servers();
      return page(isReady, {
        status: isReady ? 'ready' : draining ? 'draining' : lostPlace ? 'degraded' : 'starting',
        records,
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
