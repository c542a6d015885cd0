/**
 * The events of one MCP server, as they are stored in its stream. Types and members are stored for ever: none is
 * renamed or removed; members that are added later have a default.
 */
import { z } from 'zod';

const phase = z.enum(['cold', 'initializing', 'ready', 'degraded', 'dead']);
const id = z.string();
/** Where it comes from: `config`. */
const source = z.string();
const failures = z.int().min(0);

const registrations = () =>
  [
    /** The configuration has it, which the log did not know. */
    z.object({
      type: z.literal('McpServerRegistered'),
      data: z.object({ mcp_server_id: id, source, mode: z.string(), fingerprint: z.string() }),
    }),
    /** The configuration says something else of it. */
    z.object({
      type: z.literal('McpServerUpdated'),
      data: z.object({ mcp_server_id: id, source, fingerprint: z.string() }),
    }),
    /** The configuration has it no more. */
    z.object({
      type: z.literal('McpServerDeregistered'),
      data: z.object({ mcp_server_id: id, source }),
    }),
  ] as const;

/** Made when the first one is read: most starts read none. */
export const McpServerEvent = z.lazy(() =>
  z.discriminatedUnion('type', [
    ...registrations(),
    z.object({
      type: z.literal('McpServerStateChanged'),
      data: z.object({
        mcp_server_id: id,
        old_state: phase,
        new_state: phase,
        reason: z.string(),
        consecutive_failures: failures,
        /** No start before; milliseconds since the Unix epoch, 0 = at once. */
        retry_at_ms: z.number(),
      }),
    }),
    z.object({
      type: z.literal('McpServerStarted'),
      data: z.object({
        mcp_server_id: id,
        mode: z.string(),
        era: z.enum(['legacy', 'modern']),
        startup_duration_ms: z.number(),
        /** Null where the lists were not known when it started. */
        tools_count: z.int().nullable(),
      }),
    }),
    z.object({
      type: z.literal('McpServerStopped'),
      data: z.object({ mcp_server_id: id, reason: z.string() }),
    }),
    z.object({
      type: z.literal('McpServerDegraded'),
      data: z.object({ mcp_server_id: id, consecutive_failures: failures, reason: z.string() }),
    }),
    /** A start, a child or a call failed in a way that says something about the server. */
    z.object({
      type: z.literal('McpServerFailureCounted'),
      data: z.object({
        mcp_server_id: id,
        consecutive_failures: failures,
        /** Children in a row that ended before they answered a call. */
        stillborn: failures,
        reason: z.string(),
        retry_at_ms: z.number(),
        kind: z.enum(['start', 'end', 'call', 'probe']).default('start'),
      }),
    }),
    /** The first probe that passes after one that failed, or that ends a degradation. */
    z.object({
      type: z.literal('HealthCheckPassed'),
      data: z.object({ mcp_server_id: id, duration_ms: z.number() }),
    }),
    z.object({
      type: z.literal('HealthCheckFailed'),
      data: z.object({
        mcp_server_id: id,
        consecutive_failures: failures,
        error_message: z.string(),
      }),
    }),
    /** It answered: what failed before is over. */
    z.object({
      type: z.literal('McpServerFailuresCleared'),
      data: z.object({ mcp_server_id: id, retry_at_ms: z.number() }),
    }),
    z.object({
      type: z.literal('McpServerIdleDetected'),
      data: z.object({
        mcp_server_id: id,
        idle_duration_s: z.number(),
        last_used_at_ms: z.number(),
      }),
    }),
  ]),
);
export type McpServerEvent = z.infer<typeof McpServerEvent>;

/** The stream of one server. */
export const mcpServerStream = (mcpServerId: string): string => `mcp_server:${mcpServerId}`;
