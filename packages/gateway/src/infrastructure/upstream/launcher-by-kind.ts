import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { UpstreamLauncher } from '../../application/ports.ts';

/** One launcher for all servers, by the kind of their launch. What no build can start is the last one's to refuse. */
export function launcherByKind(
  launchers: Readonly<Partial<Record<McpServerSpec['launch']['kind'], UpstreamLauncher>>>,
  otherwise: UpstreamLauncher,
): UpstreamLauncher {
  return {
    start: (spec, options) => (launchers[spec.launch.kind] ?? otherwise).start(spec, options),
  };
}
