/** Starts scripted children: real framing, real ids, real handshake, no processes. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type {
  StartOptions,
  UpstreamConnection,
  UpstreamLauncher,
} from '../../packages/gateway/src/application/ports.ts';
import type { McpServerSpec } from '../../packages/gateway/src/domain/mcp-server/spec.ts';
import {
  handshake,
  WrongEra,
} from '../../packages/gateway/src/infrastructure/upstream/handshake.ts';
import { StdioConnection } from '../../packages/gateway/src/infrastructure/upstream/stdio-connection.ts';

import type { ScriptedChild } from './scripted-child.ts';

const LIMITS = { messageBytesMax: 1_048_576, queueBytesMax: 8_388_608 };
const INFO = { name: 'isolation', version: '0' };

/** Like the launcher for real processes: asked in the wrong era, a server is started again in its own. */
export function memoryLauncher(start: (spec: McpServerSpec) => ScriptedChild): UpstreamLauncher {
  const attempt = async (
    spec: McpServerSpec,
    options: StartOptions,
  ): Promise<UpstreamConnection> => {
    const child = start(spec);
    const connection = new StdioConnection(child, LIMITS);
    try {
      const greeting = await handshake(connection, {
        era: options.era,
        capabilities: options.capabilities,
        clientInfo: options.clientInfo ?? INFO,
        timeoutMs: spec.startupTimeoutMs,
        signal: options.signal,
      });
      connection.greeted(greeting);
    } catch (error) {
      await child.stop();
      if (error instanceof WrongEra) throw error;
      throw new Fault('MCP_SERVER_START_FAILED', `Cannot start MCP server "${spec.id}"`, {
        cause: error,
      });
    }
    connection.observe(options.observer);
    return connection;
  };
  return {
    start: (spec, options) =>
      attempt(spec, options).catch((error: unknown) => {
        if (!(error instanceof WrongEra)) throw error;
        return attempt(spec, { ...options, era: error.era });
      }),
  };
}
