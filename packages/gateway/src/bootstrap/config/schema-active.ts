import { once } from '@mcp-hangar/kernel/once';
import { z } from 'zod';

/** The blocks that this build obeys. Ranges are part of the contract: `limits` bounds everything that can grow. */

const KIB = 1024;
const MIB = 1024 * KIB;

const bytes = (max: number, standard: number): z.ZodDefault<z.ZodInt> =>
  z.int().min(KIB).max(max).default(standard);
const count = (max: number, standard: number): z.ZodDefault<z.ZodInt> =>
  z.int().min(1).max(max).default(standard);

export const httpBlock = once(() =>
  z.strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address to listen on; loopback unless set.')
      .meta({ env: 'MCP_HTTP_HOST' }),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(8000)
      .describe('Port to listen on; 0 lets the system choose.')
      .meta({ env: 'MCP_HTTP_PORT' }),
    allowed_hosts: z
      .array(z.string().min(1))
      .max(1000)
      .default([])
      .describe('Host header values accepted beside those of the loopback address.'),
    allowed_origins: z
      .array(z.string().min(1))
      .max(1000)
      .default([])
      .describe('Origin header values accepted beside loopback origins.'),
  }),
);

export const limitsBlock = once(() =>
  z.strictObject({
    body_bytes_max: bytes(1024 * MIB, 8 * MIB).describe('Largest request body. Bytes.'),
    json_depth_max: count(1024, 64).describe('Deepest nesting of a request body. Levels.'),
    header_bytes_max: bytes(MIB, 32 * KIB).describe('Largest header section of a request. Bytes.'),
    sessions_max: count(1_000_000, 10_000).describe('Sessions alive at one time.'),
    session_idle_s: count(604_800, 3600).describe(
      'An unused session ends after this long. Seconds.',
    ),
    streams_max: count(1_000_000, 2000).describe('Open event streams at one time.'),
    in_flight_max: count(1_000_000, 4096).describe('Client requests in flight at one time.'),
    parked_calls_max: count(100_000, 64).describe(
      'Calls that wait for answers of their clients between two requests, at one time. Each keeps a process of its server.',
    ),
    client_buffer_bytes_max: bytes(1024 * MIB, 64 * MIB).describe(
      'Answers and events waiting for one slow client. Bytes.',
    ),
    replay_events_max: z
      .int()
      .min(0)
      .max(100_000)
      .default(256)
      .describe('Events kept for Last-Event-ID, per session.'),
    replay_bytes_max: z
      .int()
      .min(0)
      .max(1024 * MIB)
      .default(MIB)
      .describe('Bytes kept for Last-Event-ID, per session.'),
    // 512 MiB is the longest string V8 can hold.
    upstream_message_bytes_max: bytes(511 * MIB, 64 * MIB).describe(
      'Longest line read from a server. Bytes.',
    ),
    upstream_queue_bytes_max: bytes(1024 * MIB, 64 * MIB).describe(
      'Bytes waiting to be read by one server before calls to it are refused.',
    ),
    lease_wait_s: z
      .number()
      .min(0.1)
      .max(3600)
      .default(30)
      .describe('How long a call waits for a free leased child. Seconds.'),
    shutdown_grace_s: z
      .number()
      .min(0)
      .max(600)
      .default(10)
      .describe('How long shutdown waits for calls in flight. Seconds.'),
  }),
);

export const catalogBlock = once(() =>
  z.strictObject({
    warm: z
      .enum(['lazy', 'boot'])
      .default('lazy')
      .describe('When servers without a known catalogue are started to learn it.'),
    first_list_wait_ms: z
      .int()
      .min(0)
      .max(60_000)
      .default(3000)
      .describe('Longest wait of the first list for such servers. Milliseconds.'),
    ttl_ms: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(5000)
      .describe('How long a client may cache a list (`ttlMs`). Milliseconds.'),
    start_concurrency: count(64, 4).describe('Servers started for their catalogue at one time.'),
  }),
);

export const toolAccessBlock = once(() =>
  z.strictObject({
    mode: z
      .enum(['hybrid', 'egress', 'front_door'])
      .default('hybrid')
      .describe(
        'What clients see on /mcp: hybrid, what the servers offer and the tools of the gateway; egress, the tools of the gateway only; front_door, the servers only.',
      ),
    gateway_tools: z
      .enum(['registry', 'hangar', 'both', 'none'])
      .default('registry')
      .describe('Which family of the gateway’s own tools is offered on /mcp.'),
    naming: z
      .enum(['prefixed', 'bare'])
      .default('prefixed')
      .describe(
        'How tools and prompts are named on /mcp: server__tool, or as the server names them, with the prefix only where names collide.',
      ),
    rules: z.unknown().optional().describe('Access rules by tenant.').meta({ inactive: 'refuse' }),
  }),
);

/** Names of both logging worlds: Python's, which the product documents use, and pino's. */
const LOG_LEVELS = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'fatal',
  fatal: 'fatal',
} as const;

export const loggingBlock = once(() =>
  z.strictObject({
    level: z
      .enum([
        ...(['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'fatal'] as const),
        ...(['TRACE', 'DEBUG', 'INFO', 'WARNING', 'WARN', 'ERROR', 'CRITICAL', 'FATAL'] as const),
      ])
      .default('info')
      .transform((level) => LOG_LEVELS[level.toLowerCase() as Lowercase<typeof level>])
      .describe('Least severe level that is logged.')
      .meta({ env: 'MCP_LOG_LEVEL' }),
    json_format: z
      .boolean()
      .default(false)
      .describe('Log one JSON object a line.')
      .meta({ env: 'MCP_JSON_LOGS' }),
    file: z
      .string()
      .min(1)
      .optional()
      .describe('Log to this file instead of standard error.')
      .meta({ inactive: 'notice' }),
  }),
);
