/** Made by `npm run reference` from the schema of the configuration; do not edit. */
import type { ConfigPath } from './problem.ts';
import type { ConfigDocument } from './schema.ts';
import type { ServerEntry } from './schema-server.ts';

/** A file that says nothing. */
export const STANDARD_DOCUMENT = {
  http: { host: '127.0.0.1', port: 8000, allowed_hosts: [], allowed_origins: [] },
  limits: {
    body_bytes_max: 8388608,
    json_depth_max: 64,
    header_bytes_max: 32768,
    sessions_max: 10000,
    session_idle_s: 3600,
    streams_max: 2000,
    in_flight_max: 4096,
    parked_calls_max: 64,
    client_buffer_bytes_max: 67108864,
    replay_events_max: 256,
    replay_bytes_max: 1048576,
    upstream_message_bytes_max: 67108864,
    upstream_queue_bytes_max: 67108864,
    lease_wait_s: 30,
    shutdown_grace_s: 10,
  },
  catalog: { warm: 'lazy', first_list_wait_ms: 3000, ttl_ms: 5000, start_concurrency: 4 },
  tool_access: { mode: 'hybrid', gateway_tools: 'registry', naming: 'prefixed' },
  logging: { level: 'info', json_format: false },
  execution: {
    max_concurrency: 0,
    default_mcp_server_concurrency: 0,
    queue_max: 1000,
    queue_timeout_s: 30,
  },
  truncation: {
    enabled: false,
    max_batch_size_bytes: 900000,
    min_per_response_bytes: 10000,
    cache_ttl_s: 300,
    cache_driver: 'memory',
    max_cache_entries: 10000,
    max_cache_bytes: 268435456,
    preserve_json_structure: true,
    truncate_on_line_boundary: true,
  },
  event_store: {
    enabled: true,
    allow_memory_fallback: false,
    call_log_queue_max: 10000,
    keep_days: 90,
    keep_events_max: 2000000,
  },
  config_reload: { enabled: true, interval_s: 5, use_watchdog: true },
} satisfies Partial<ConfigDocument>;

/** A plain server that says nothing. */
export const STANDARD_ENTRY = {
  enabled: true,
  args: [],
  env: {},
  era: 'auto',
  sharing: 'auto',
  session_children_max: 64,
  replicas: 1,
  leased_children_max: 8,
  call_timeout_s: 300,
  max_consecutive_failures: 3,
  idle_ttl_s: 300,
  transport: 'auto',
} satisfies Partial<ServerEntry>;

/** Variables of the environment that win over the file, and what they are in it. */
export const VARIABLES: readonly (readonly [name: string, path: ConfigPath])[] = [
  ['MCP_HTTP_HOST', ['http', 'host']],
  ['MCP_HTTP_PORT', ['http', 'port']],
  ['MCP_LOG_LEVEL', ['logging', 'level']],
  ['MCP_JSON_LOGS', ['logging', 'json_format']],
  ['MCP_RATE_LIMIT_RPS', ['rate_limit', 'rps']],
  ['MCP_RATE_LIMIT_BURST', ['rate_limit', 'burst']],
];
