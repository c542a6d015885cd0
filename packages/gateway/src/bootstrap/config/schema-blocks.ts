import { once } from '@mcp-hangar/kernel/once';
import { z } from 'zod';

/** Blocks that a later build obeys: they parse strictly today, and each gives one line at start. */

const seconds = once(() => z.number().min(0).max(604_800));
const enabled = (standard: boolean): z.ZodDefault<z.ZodBoolean> => z.boolean().default(standard);

export const truncationBlock = once(() =>
  z.strictObject({
    enabled: enabled(false).describe(
      'Cut the results of `hangar_call` where together they are longer than `max_batch_size_bytes`. Without it only what no answer has room for is cut (10 MiB, or a quarter of `limits.client_buffer_bytes_max`).',
    ),
    max_batch_size_bytes: z
      .int()
      .min(1_000)
      .max(1_073_741_824)
      .default(900_000)
      .describe('Results of one batch, together. Bytes.'),
    min_per_response_bytes: z
      .int()
      .min(256)
      .max(1_073_741_824)
      .default(10_000)
      .describe('No result is cut below this, where an answer has room for it. Bytes.'),
    cache_ttl_s: z
      .number()
      .min(1)
      .max(86_400)
      .default(300)
      .describe(
        'How long the whole of a cut result is kept for `hangar_fetch_continuation`. Seconds.',
      ),
    cache_driver: z
      .enum(['memory', 'redis'])
      .default('memory')
      .describe('Where it is kept: `memory`, long ones as files; `redis` stops the start.'),
    redis_url: z
      .string()
      .min(1)
      .optional()
      .describe('Redis to keep it in.')
      .meta({ inactive: 'notice' }),
    max_cache_entries: z.int().min(1).max(1_000_000).default(10_000).describe('Most results kept.'),
    max_cache_bytes: z
      .int()
      .min(1_048_576)
      .max(1_099_511_627_776)
      .default(268_435_456)
      .describe('Results kept, together; to make room the oldest of whoever has most goes. Bytes.'),
    preserve_json_structure: z
      .boolean()
      .default(true)
      .describe(
        'A cut result keeps its objects and keys; otherwise it is the beginning of its JSON.',
      ),
    truncate_on_line_boundary: z
      .boolean()
      .default(true)
      .describe('A text ends with a whole line where that keeps more than half of it.'),
  }),
);

const strings = once(() => z.array(z.string().min(1)));

const discoverySource = once(() =>
  z.strictObject({
    type: z
      .enum(['kubernetes', 'docker', 'podman', 'filesystem', 'entrypoint'])
      .describe('Kind of source.'),
    id: z.string().min(1).optional().describe('Name of the source.'),
    mode: z
      .enum(['additive', 'authoritative'])
      .default('additive')
      .describe('Whether servers that vanish are removed.'),
    enabled: enabled(true).describe('Use this source.'),
    namespaces: strings().optional().describe('Kubernetes namespaces to look in.'),
    label_selector: z.string().min(1).optional().describe('Kubernetes label selector.'),
    in_cluster: z.boolean().default(true).describe('Use the account of the pod.'),
    allowed_namespaces: strings().optional().describe('Kubernetes namespaces accepted.'),
    denied_namespaces: strings().optional().describe('Kubernetes namespaces refused.'),
    socket_path: z.string().min(1).optional().describe('Socket of Docker or Podman.'),
    path: z.string().min(1).optional().describe('Directory of definition files.'),
    pattern: z.string().min(1).default('*.yaml').describe('Glob of definition files.'),
    watch: z.boolean().default(true).describe('Watch the directory.'),
    group: z.string().min(1).optional().describe('Entry-point group.'),
  }),
);

export const discoveryBlock = once(() =>
  z.strictObject({
    enabled: enabled(false).describe('Look for servers.'),
    refresh_interval_s: seconds().default(30).describe('Time between two looks. Seconds.'),
    auto_register: z.boolean().default(true).describe('Use what is found without asking.'),
    sources: z.array(discoverySource()).optional().describe('Where to look.'),
    security: z
      .strictObject({
        allowed_namespaces: strings().optional().describe('Namespaces accepted.'),
        denied_namespaces: strings().optional().describe('Namespaces refused.'),
        require_health_check: z.boolean().default(true).describe('Probe before use.'),
        require_mcp_schema: z.boolean().default(false).describe('Check the tools before use.'),
        max_mcp_servers_per_source: z.int().min(1).default(100).describe('Most servers.'),
        max_providers_per_source: z
          .int()
          .min(1)
          .optional()
          .describe('Same as `max_mcp_servers_per_source`.')
          .meta({ aliasOf: 'max_mcp_servers_per_source' }),
        max_registration_rate: z.int().min(1).default(10).describe('Servers a minute.'),
        health_check_timeout_s: seconds().default(5).describe('Longest probe. Seconds.'),
        quarantine_on_failure: z.boolean().default(true).describe('Keep failures aside.'),
      })
      .optional()
      .describe('What is accepted.'),
    lifecycle: z
      .strictObject({
        default_ttl_s: seconds()
          .default(90)
          .describe('Removed when unseen for this long. Seconds.'),
        check_interval_s: seconds().default(10).describe('Time between two checks. Seconds.'),
        drain_timeout_s: seconds().default(30).describe('Longest wait for calls. Seconds.'),
      })
      .optional()
      .describe('When found servers go.'),
  }),
);

export const persistenceBlock = once(() =>
  z.strictObject({
    backend: z
      .enum(['sqlite', 'postgresql', 'memory'])
      .default('sqlite')
      .describe('Where everything is kept that is to outlive the gateway; memory keeps nothing.'),
    sqlite: z
      .strictObject({
        data_dir: z
          .string()
          .min(1)
          .optional()
          .describe('Folder of `events.db`; the state folder unless set.'),
      })
      .optional()
      .describe('SQLite.'),
    postgresql: postgresBlock().optional().describe('PostgreSQL, version 15 or later.'),
  }),
);

const postgresBlock = once(() =>
  z.strictObject({
    url: z
      .string()
      .min(1)
      .optional()
      .describe(
        '`postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`, in place of the five keys below.',
      ),
    host: z
      .string()
      .min(1)
      .optional()
      .describe('Host, or the folder of a socket; `localhost` unless set.'),
    port: z.int().min(1).max(65_535).optional().describe('Port; 5432 unless set.'),
    database: z.string().min(1).optional().describe('Database.'),
    user: z.string().min(1).optional().describe('User; that of the gateway’s process unless set.'),
    password: z.string().optional().describe('Password; better `${NAME}` than the word itself.'),
    schema: z
      .string()
      .regex(/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/, 'expected a-z, 0-9 and _')
      .default('hangar')
      .describe('Schema of the tables, which is made where it does not exist.'),
    max_connections: z
      .int()
      .min(2)
      .max(100)
      .default(10)
      .describe('Most connections; one of them writes.'),
    min_connections: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('Connections kept open.')
      .meta({ inactive: 'notice' }),
  }),
);

export const eventStoreBlock = once(() =>
  z.strictObject({
    enabled: enabled(true).describe('Keep the event log.'),
    driver: z
      .enum(['sqlite', 'memory'])
      .optional()
      .describe(
        '`memory`: kept until the gateway ends. Where it is kept else, `persistence` says.',
      ),
    path: z
      .string()
      .min(1)
      .optional()
      .describe('SQLite file; `events.db` in the state folder unless set.'),
    allow_memory_fallback: z
      .boolean()
      .default(false)
      .describe(
        'Go on in memory where `path` or the database cannot be used; otherwise that stops the start.',
      ),
    call_log_queue_max: z
      .int()
      .min(256)
      .max(1_000_000)
      .default(10_000)
      .describe(
        'Settled calls that wait to be written; beyond them calls are counted, not recorded.',
      ),
    keep_days: z
      .int()
      .min(1)
      .max(3_650)
      .default(90)
      .describe('Events older than this are removed. Days.'),
    keep_events_max: z
      .int()
      .min(1_000)
      .max(1_000_000_000)
      .default(2_000_000)
      .describe('Most events kept; the oldest go.'),
  }),
);

export const coordinationBlock = once(() =>
  z.strictObject({
    lease_ttl_s: seconds().default(15).describe('Life of the lease. Seconds.'),
    renew_interval_s: seconds().default(5).describe('Time between renewals. Seconds.'),
    renew_deadline_s: seconds().default(10).describe('Give up after this long. Seconds.'),
  }),
);

export const configReloadBlock = once(() =>
  z.strictObject({
    enabled: enabled(true).describe(
      'Apply a changed file by itself. `mcp-hangar reload`, SIGHUP and `hangar_reload_config` do so in any case.',
    ),
    interval_s: seconds()
      .default(5)
      .describe('Time between two looks at the file; 0 = none. Seconds.'),
    use_watchdog: z
      .boolean()
      .default(true)
      .describe('Let the system tell of changes, beside the looks.'),
  }),
);

export const hotLoadingBlock = once(() =>
  z.strictObject({
    enabled: enabled(true).describe('Load servers from the registry.'),
    registry: z
      .strictObject({
        base_url: z
          .string()
          .min(1)
          .default('https://registry.modelcontextprotocol.io/v0')
          .describe('Registry.'),
        timeout_s: seconds().default(10).describe('Longest wait. Seconds.'),
        max_retries: z.int().min(0).default(3).describe('Further attempts.'),
      })
      .optional()
      .describe('Where servers are looked up.'),
    cache: z
      .strictObject({
        ttl_s: seconds().default(3600).describe('Life of an entry. Seconds.'),
        max_entries: z.int().min(1).default(1000).describe('Most entries.'),
      })
      .optional()
      .describe('Cache of the registry.'),
  }),
);

export const startupChecksBlock = once(() =>
  z.strictObject({
    enforce: z.boolean().default(true).describe('Stop the start when a check fails.'),
  }),
);

const langfuse = once(() =>
  z.strictObject({
    enabled: enabled(false).describe('Send traces.').meta({ env: 'MCP_LANGFUSE_ENABLED' }),
    public_key: z.string().optional().describe('Public key.').meta({ env: 'LANGFUSE_PUBLIC_KEY' }),
    secret_key: z.string().optional().describe('Secret key.').meta({ env: 'LANGFUSE_SECRET_KEY' }),
    host: z
      .string()
      .min(1)
      .default('https://cloud.langfuse.com')
      .describe('Where it answers.')
      .meta({ env: 'LANGFUSE_HOST' }),
    sample_rate: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe('Share of traces sent.')
      .meta({ env: 'MCP_LANGFUSE_SAMPLE_RATE' }),
    scrub_inputs: z
      .boolean()
      .default(true)
      .describe('Leave arguments out.')
      .meta({ env: 'MCP_LANGFUSE_SCRUB_INPUTS' }),
    scrub_outputs: z
      .boolean()
      .default(true)
      .describe('Leave results out.')
      .meta({ env: 'MCP_LANGFUSE_SCRUB_OUTPUTS' }),
    flush_interval_s: seconds().default(1).describe('Time between two sends. Seconds.'),
  }),
);

export const observabilityBlock = once(() =>
  z.strictObject({
    langfuse: langfuse().optional().describe('Langfuse.'),
    tracing: z
      .strictObject({
        enabled: enabled(true).describe('Send traces.').meta({ env: 'MCP_TRACING_ENABLED' }),
        otlp_endpoint: z
          .string()
          .min(1)
          .default('http://localhost:4317')
          .describe('OTLP collector.')
          .meta({ env: 'OTEL_EXPORTER_OTLP_ENDPOINT' }),
        service_name: z
          .string()
          .min(1)
          .default('mcp-hangar')
          .describe('Name of this service.')
          .meta({ env: 'OTEL_SERVICE_NAME' }),
        console_export: z
          .boolean()
          .default(false)
          .describe('Print traces.')
          .meta({ env: 'MCP_TRACING_CONSOLE' }),
        jaeger_host: z.string().min(1).optional().describe('Jaeger.').meta({ env: 'JAEGER_HOST' }),
        jaeger_port: z
          .int()
          .min(1)
          .max(65_535)
          .default(6831)
          .describe('Port of Jaeger.')
          .meta({ env: 'JAEGER_PORT' }),
      })
      .optional()
      .describe('OpenTelemetry.'),
    metrics: z
      .strictObject({
        enabled: enabled(true).describe('Serve metrics.'),
        endpoint: z
          .string()
          .regex(/^\//, 'expected a path that starts with /')
          .default('/metrics')
          .describe('Path.'),
      })
      .optional()
      .describe('Prometheus.'),
  }),
);

export const healthCheckBlock = once(() =>
  z.strictObject({
    enabled: enabled(true).describe('false: servers are asked only where they say how often.'),
    interval_s: z
      .number()
      .min(0)
      .max(3600)
      .default(60)
      .describe('`health_check_interval_s` of the servers that have none; 0 = never. Seconds.'),
  }),
);

export const cloudBlock = once(() =>
  z.strictObject({
    enabled: enabled(false).describe('Connect to Hangar Cloud.'),
    token: z.string().min(1).optional().describe('Token of this agent.'),
    endpoint: z.string().min(1).default('https://api.mcp-hangar.io').describe('Where it answers.'),
    telemetry: z
      .strictObject({
        send_audit: z.boolean().default(true).describe('Send the audit trail.'),
        send_metrics: z.boolean().default(true).describe('Send metrics.'),
        send_traces: z.boolean().default(false).describe('Send traces.'),
      })
      .optional()
      .describe('What is sent.'),
    buffer: z
      .strictObject({
        max_size: z.int().min(1).default(10_000).describe('Most events kept while offline.'),
        flush_interval_s: seconds().default(5).describe('Time between two sends. Seconds.'),
      })
      .optional()
      .describe('What is kept while offline.'),
  }),
);
