/** What the children of servers wrote to stderr, the newest of each server, for people who look for a reason. */
import type { StartOptions, UpstreamConnection, UpstreamLauncher } from '../ports.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';

/** Kept of one server, whatever number of children wrote it; the oldest goes first. */
export const LOG_LINES_MAX = 1_000;
const LOG_BYTES_MAX = 1_048_576;

export interface ServerLogLine {
  readonly mcpServerId: string;
  readonly atMs: number;
  readonly pid: number;
  /** Without secrets. */
  readonly line: string;
}

export type LogListener = (line: ServerLogLine) => void;

interface Kept extends ServerLogLine {
  /** In the order in which they came, over all servers. */
  readonly order: number;
}

interface Ring {
  readonly lines: Kept[];
  bytes: number;
}

export class ServerLogs {
  readonly #rings = new Map<string, Ring>();
  readonly #listeners = new Set<LogListener>();
  #order = 0;

  append(line: ServerLogLine): void {
    const ring = this.#rings.get(line.mcpServerId) ?? { lines: [], bytes: 0 };
    this.#rings.set(line.mcpServerId, ring);
    ring.lines.push({ ...line, order: (this.#order += 1) });
    ring.bytes += line.line.length;
    while (ring.lines.length > LOG_LINES_MAX || ring.bytes > LOG_BYTES_MAX)
      ring.bytes -= ring.lines.shift()?.line.length ?? ring.bytes;
    for (const listener of this.#listeners) listener(line);
  }

  /** Of a server that is not configured any more. */
  forget(mcpServerId: string): void {
    this.#rings.delete(mcpServerId);
  }

  /** The last lines of a server, or of all, in the order in which they came. */
  last(count: number, mcpServerId?: string): readonly ServerLogLine[] {
    const rings = mcpServerId === undefined ? [...this.#rings.keys()] : [mcpServerId];
    const lines = rings.flatMap((id) => this.#rings.get(id)?.lines.slice(-count) ?? []);
    return lines.toSorted((a, b) => a.order - b.order).slice(-count);
  }

  /** Hears of every line that comes, of a server or of all. Answers the function that ends it. */
  watch(listener: LogListener, mcpServerId?: string): () => void {
    const own: LogListener = (line) => {
      if (mcpServerId === undefined || line.mcpServerId === mcpServerId) listener(line);
    };
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The launcher, with what its children write kept here. */
  kept(launcher: UpstreamLauncher): UpstreamLauncher {
    return {
      start: (spec: McpServerSpec, options: StartOptions): Promise<UpstreamConnection> =>
        launcher.start(spec, {
          ...options,
          onStderr: (line) => this.append({ mcpServerId: spec.id, ...line }),
        }),
    };
  }
}
