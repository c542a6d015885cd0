/** How servers are started: the same for the gateway and for what checks them beside it. */
import { once } from '@mcp-hangar/kernel/once';
import type { Clock, Logger, UpstreamLauncher } from '../application/ports.ts';
import type { ChildTimings } from '../infrastructure/launcher/child-process.ts';
import type { Guardian } from '../infrastructure/launcher/guardian.ts';
import { launcherByKind } from '../infrastructure/upstream/launcher-by-kind.ts';
import type { RemoteLauncherOptions } from '../infrastructure/upstream/remote/remote-launcher.ts';
import {
  stdioLauncher,
  type StdioLauncherOptions,
} from '../infrastructure/upstream/stdio-launcher.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { VERSION } from './version.ts';

/** What the gateway calls itself towards servers and clients. */
export const INFO = { name: 'mcp-hangar', title: 'MCP Hangar', version: VERSION };

export interface LauncherParts {
  /** The environment whose allow-listed part children get. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly guardian: Guardian;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly childTimings?: ChildTimings | undefined;
  /** Told of each process as soon as it runs. */
  readonly onChild?: StdioLauncherOptions['onChild'];
}

export function newLauncher(
  { limits }: Pick<GatewayConfig, 'limits'>,
  parts: LauncherParts,
): UpstreamLauncher {
  const { env, guardian, clock, logger, childTimings, onChild } = parts;
  const common = {
    limits: {
      messageBytesMax: limits.upstreamMessageBytesMax,
      queueBytesMax: limits.upstreamQueueBytesMax,
    },
    clientInfo: INFO,
  };
  const variable = (name: string): string => env[name] ?? env[name.toLowerCase()] ?? '';
  const remote = remoteWhenWanted({
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
    timings: childTimings,
    ...(onChild === undefined ? {} : { onChild }),
  });
  return launcherByKind({ remote }, stdio);
}

/** Many gateways have no remote server: what speaks HTTP to one is loaded with the first. */
function remoteWhenWanted(options: RemoteLauncherOptions): UpstreamLauncher {
  const loaded = once(async () => {
    const { remoteLauncher } = await import('../infrastructure/upstream/remote/remote-launcher.ts');
    return remoteLauncher(options);
  });
  return { start: async (spec, start) => (await loaded()).start(spec, start) };
}
