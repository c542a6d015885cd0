/** What is stored of reloads. Types and members are stored for ever: none is renamed or removed. */
import type { GenerationDiff } from '../mcp-server/generations.ts';

/** All reloads of the gateways of one state folder. */
export const CONFIGURATION_STREAM = 'configuration';

interface Requested {
  readonly path: string;
  readonly by: string;
}

export const reloadRequested = ({ path, by }: Requested) =>
  ({
    type: 'ConfigurationReloadRequested',
    data: { config_path: path, requested_by: by, force: false },
  }) as const;

export const reloaded = ({ path, by }: Requested, diff: GenerationDiff, durationMs: number) =>
  ({
    type: 'ConfigurationReloaded',
    data: {
      config_path: path,
      mcp_servers_added: [...diff.added],
      mcp_servers_removed: [...diff.removed],
      mcp_servers_updated: [...diff.updated],
      mcp_servers_unchanged: [...diff.unchanged],
      reload_duration_ms: durationMs,
      requested_by: by,
    },
  }) as const;

export const reloadFailed = (
  { path, by }: Requested,
  { message, code }: { readonly message: string; readonly code: string },
) =>
  ({
    type: 'ConfigurationReloadFailed',
    data: { config_path: path, reason: message, error_type: code, requested_by: by },
  }) as const;
