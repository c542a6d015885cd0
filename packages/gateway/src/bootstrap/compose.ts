/** The only place where the gateway is built. Nothing starts at import; nothing outlives the disposal. */
import { Hub, type HubOptions } from '../application/dispatch/hub.ts';
import type { Clock, Logger, UpstreamLauncher } from '../application/ports.ts';
import { NOBODY } from '../application/servers/child.ts';
import { META, MODERN_REVISION } from '../domain/protocol/revisions.ts';
import { NO_CAPABILITIES } from '../domain/protocol/capabilities.ts';
import type { ChildTimings } from '../infrastructure/launcher/child-process.ts';
import { createGuardian } from '../infrastructure/launcher/guardian.ts';
import { boundedDestination } from '../infrastructure/telemetry/bounded-destination.ts';
import { createLogger } from '../infrastructure/telemetry/logger.ts';
import { launcherByKind } from '../infrastructure/upstream/launcher-by-kind.ts';
import { remoteLauncher } from '../infrastructure/upstream/remote/remote-launcher.ts';
import { stdioLauncher } from '../infrastructure/upstream/stdio-launcher.ts';
import { HttpFront } from '../server/front-door/http-front.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { VERSION } from './version.ts';

export interface Overrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly launcher?: UpstreamLauncher;
  readonly random?: () => number;
  readonly childTimings?: ChildTimings;
  /** The environment whose allow-listed part children get. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Gateway extends AsyncDisposable {
  readonly config: GatewayConfig;
  readonly hub: Hub;
  readonly front: HttpFront;
  readonly logger: Logger;
  /** Binds the configured address. Answers the port. Rejects with the system's error. */
  listen(): Promise<number>;
  /** Stops accepting, drains for `limits.shutdown_grace_s`, ends every child. Calling it again changes nothing. */
  close(): Promise<void>;
}

const INFO = { name: 'mcp-hangar', title: 'MCP Hangar', version: VERSION };

export function compose(config: GatewayConfig, overrides: Overrides = {}): Gateway {
  const clock = overrides.clock ?? { nowMs: () => Date.now() };
  const logger =
    overrides.logger ??
    createLogger({ ...config.logging, destination: boundedDestination(process.stderr) });
  const env = overrides.env ?? process.env;
  const guardian = createGuardian({
    path: env['PATH'],
    onProblem: (problem) => logger.warn({ problem }, 'guardian_problem'),
  });
  const { limits } = config;
  const launcher =
    overrides.launcher ?? newLauncher(config, { env, guardian, clock, logger, overrides });
  const random = overrides.random ?? Math.random;
  const hub = newHub(config, { launcher, clock, logger, random });
  const startedAtMs = clock.nowMs();
  let started = false;
  const front = new HttpFront({
    hub,
    limits,
    ...config.http,
    health: {
      uptimeMs: () => clock.nowMs() - startedAtMs,
      started: () => started,
      servers: () => ({
        total: hub.servers.length,
        running: hub.servers.filter((server) => server.running.length > 0).length,
      }),
    },
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await front.close(limits.shutdownGraceMs);
      await hub.close();
      await guardian[Symbol.asyncDispose]();
    })();
    return closing;
  };
  return {
    config,
    hub,
    front,
    logger,
    async listen() {
      const port = await front.listen(config.http.host, config.http.port);
      started = true;
      if (config.catalog.warm === 'boot') warmAll(hub);
      return port;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface LauncherParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly guardian: ReturnType<typeof createGuardian>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly overrides: Overrides;
}

function newLauncher({ limits }: GatewayConfig, parts: LauncherParts): UpstreamLauncher {
  const { env, guardian, clock, logger, overrides } = parts;
  const common = {
    limits: {
      messageBytesMax: limits.upstreamMessageBytesMax,
      queueBytesMax: limits.upstreamQueueBytesMax,
    },
    clientInfo: INFO,
  };
  const variable = (name: string): string => env[name] ?? env[name.toLowerCase()] ?? '';
  const remote = remoteLauncher({
    ...common,
    logger,
    userAgent: `${INFO.name}/${INFO.version}`,
    proxy: {
      http: variable('HTTP_PROXY'),
      https: variable('HTTPS_PROXY'),
      none: variable('NO_PROXY'),
    },
  });
  const stdio = stdioLauncher({
    ...common,
    child: { env, guardian, clock },
    timings: overrides.childTimings,
  });
  return launcherByKind({ remote }, stdio);
}

type HubParts = Pick<HubOptions, 'launcher' | 'clock' | 'logger' | 'random'>;

function newHub(config: GatewayConfig, parts: HubParts): Hub {
  const { limits, catalog } = config;
  return new Hub({
    ...parts,
    servers: config.servers,
    info: INFO,
    modernMeta: {
      _meta: {
        [META.protocolVersion]: MODERN_REVISION,
        [META.clientCapabilities]: NO_CAPABILITIES,
        [META.clientInfo]: INFO,
      },
    },
    leaseWaitMs: limits.leaseWaitMs,
    inFlightMax: limits.inFlightMax,
    catalog,
    hideServers: config.toolAccess.mode === 'egress',
  });
}

/** `catalog.warm: boot`: lists every server as a client without capabilities would see it. */
function warmAll(hub: Hub): void {
  const asker = {
    era: 'legacy',
    owner: 'boot',
    capabilities: NO_CAPABILITIES,
    wantsLogs: false,
  } as const;
  const user = { asker, owner: NOBODY, clientInfo: undefined };
  for (const server of hub.servers) {
    if (hub.catalogs.lacks(server, asker)) void hub.catalogs.warm(server, user);
  }
}
