/**
 * Which test sees what a key of the configuration does: by file, the name of the test, and the keys that it sets.
 * `docs/reference/observed-keys.md` is made of it, and `scripts/config-keys.test.ts` holds it against schema and tests.
 */
type TestsOfFile = Readonly<Record<string, readonly string[]>>;

const SERVER = 'mcp_servers.NAME';
const of = (prefix: string, ...keys: readonly string[]): readonly string[] =>
  keys.map((key) => `${prefix}.${key}`);

const TOOL = [
  'name',
  'title',
  'description',
  'inputSchema',
  'input_schema',
  'outputSchema',
  'output_schema',
  'annotations',
  'icons',
  '_meta',
] as const;
const RETRY = [
  'max_attempts',
  'backoff',
  'initial_delay',
  'max_delay',
  'jitter',
  'jitter_factor',
  'retry_on',
  'attempt_timeout_s',
  'retry_sent',
] as const;

export const OBSERVED: Readonly<Record<string, TestsOfFile>> = {
  'test/e2e/catalog.test.ts': {
    'comes into the list later, and the client hears of it': ['catalog.first_list_wait_ms'],
  },
  'test/e2e/config-keys.test.ts': {
    'starts a server with auto_start before anybody asks, and no other': of(SERVER, 'auto_start'),
    'says nothing of a $schema': ['$schema'],
    'shows the tools that a server is given as %s': [
      ...of(`${SERVER}.tools[]`, ...TOOL),
      ...of(`${SERVER}.predefined_tools[]`, ...TOOL),
    ],
    'gives no more than session_children_max sessions a child of their own': of(
      SERVER,
      'session_children_max',
    ),
    'tells modern clients how long a list may be kept': ['catalog.ttl_ms'],
    'keeps no more bytes of events than the limit': ['limits.replay_bytes_max'],
    'refuses calls to a server that does not read': ['limits.upstream_queue_bytes_max'],
    'A server is started as its command, args, env and cwd say': of(
      SERVER,
      'command',
      'args',
      'env',
      'cwd',
    ),
    'port and host say where the gateway listens': ['http.host', 'http.port'],
    'boot lists every server before anybody asks, and health_check asks them': [
      'catalog.warm',
      'health_check.interval_s',
    ],
    'is not made by itself where health_check is not enabled': ['health_check.enabled'],
    'use_watchdog lets the system tell of changes, where nobody looks': [
      'config_reload.use_watchdog',
    ],
    'json_format gives one object a line, of the level that is wanted': [
      'logging.json_format',
      'logging.level',
    ],
    'hold for every server, and for all clients together': [
      'execution.default_mcp_server_concurrency',
      'rate_limit.rps',
      'rate_limit.burst',
    ],
    'bounds how many servers start at one time to be listed': ['catalog.start_concurrency'],
  },
  'test/e2e/config-keys-resilience.test.ts': {
    'opens at the share of failures that error_rate_pct says, once there are min_calls': of(
      `${SERVER}.circuit_breaker`,
      'error_rate_pct',
      'min_calls',
    ),
    'opens at the share of slow calls, within window_s': of(
      `${SERVER}.circuit_breaker`,
      'slow_call_ms',
      'slow_rate_pct',
      'window_s',
    ),
    'closes once as many probes as probe_count says have succeeded': of(
      `${SERVER}.circuit_breaker`,
      'probe_count',
    ),
    'is the backup, and stays so without auto_failback': of(
      SERVER,
      'backup',
      'failover.auto_failback',
      'failover.failback_delay_s',
    ),
    'is a third member of a group where failover.max_members lets it': of(
      SERVER,
      'mode',
      'failover.max_members',
    ),
    'has a canary get its split_pct, and pinned_tenants the member that is theirs': of(
      SERVER,
      'members[].id',
      'canary.member',
      'canary.split_pct',
      'canary.pinned_tenants',
    ),
    'forgets after session_affinity.ttl_s whose a session was': of(
      SERVER,
      'session_affinity.ttl_s',
    ),
    'takes a member back after as many successes as healthy_threshold says': of(
      `${SERVER}.health`,
      'unhealthy_threshold',
      'healthy_threshold',
    ),
    'says how often and when the calls of each server are made again: %o': [
      ...of('retry.default_policy', ...RETRY),
      ...of('retry.per_mcp_server.NAME', ...RETRY),
      ...of('retry.per_provider.NAME', ...RETRY),
    ],
    'is found by url or endpoint, and shown its key in api_key_header': of(
      SERVER,
      'endpoint',
      'url',
      'transport',
      'auth.api_key_header',
    ),
    'is given connect_timeout to be connected to': of(SERVER, 'http.connect_timeout'),
    'is connected to again max_retries times, after retry_backoff_factor': of(
      `${SERVER}.http`,
      'max_retries',
      'retry_backoff_factor',
    ),
  },
  'test/e2e/config-keys-storage.test.ts': {
    '%o keeps no log': ['event_store.enabled', 'event_store.driver'],
    'path is where the log is, in a folder that is made, and keep_days how long events stay': [
      'event_store.path',
      'event_store.keep_days',
    ],
    'call_log_queue_max is how many calls wait to be written; others are counted': [
      'event_store.call_log_queue_max',
    ],
    'host, port, database, user, password and schema say where everything is': of(
      'persistence.postgresql',
      'host',
      'port',
      'database',
      'user',
      'password',
      'schema',
    ),
    'max_connections is how many there are, however much is asked': [
      'persistence.postgresql.max_connections',
      'persistence.postgresql.url',
    ],
  },
  'test/e2e/continuations.test.ts': {
    'are not cut below truncation.min_per_response_bytes, and short ones not at all': of(
      'truncation',
      'enabled',
      'max_batch_size_bytes',
      'min_per_response_bytes',
    ),
    'preserve_json_structure: false gives the beginning of the JSON, truncate_on_line_boundary whole lines':
      of('truncation', 'preserve_json_structure', 'truncate_on_line_boundary'),
    'max_cache_entries and max_cache_bytes make room by forgetting the oldest': of(
      'truncation',
      'max_cache_entries',
      'max_cache_bytes',
    ),
    'cache_ttl_s ends a continuation, its file too': of('truncation', 'cache_ttl_s'),
    'cache_driver: redis stops the start and says why': of('truncation', 'cache_driver'),
  },
  'test/e2e/execution.test.ts': {
    'row 16: of a server refuses the call after its burst, and touches no other server': of(
      `${SERVER}.rate_limit`,
      'rps',
      'burst',
    ),
    'of a tool counts the calls of all tools that match': of(
      `${SERVER}.rate_limit.tools.NAME`,
      'rps',
      'burst',
    ),
    'of all clients is set by the environment, that of each client by the file': of(
      'rate_limit.per_principal',
      'rps',
      'burst',
    ),
    'lets the next call run when one is over, in order': of(SERVER, 'max_concurrency'),
    'refuses a call that has waited too long, and names the keys': ['execution.queue_timeout_s'],
    'bounds how many wait, takes out at once who gives up, and holds up no other server': [
      'execution.queue_max',
    ],
    'names itself to the call that has waited for it': [
      'execution.max_concurrency',
      'execution.default_provider_concurrency',
      'providers',
    ],
  },
  'test/e2e/groups.test.ts': {
    'row 8: gives calls to its members by their weights, exactly over a cycle': of(
      SERVER,
      'strategy',
      'members[].weight',
    ),
    'goes by a header, in both eras': of(`${SERVER}.session_affinity`, 'by', 'header'),
    'share its calls, and one that is killed is replaced': of(SERVER, 'replicas'),
  },
  'test/e2e/groups-cli.test.ts': {
    'are listed with how their members do': of(SERVER, 'min_healthy'),
  },
  'test/e2e/groups-failing.test.ts': {
    'row 8: fails over when the first member is killed, and back when it is well again': of(
      SERVER,
      'members[].priority',
    ),
    'is given to a second member where the tool only reads, and the slower one is told to stop': of(
      SERVER,
      'hedge_after_ms',
    ),
  },
  'test/e2e/http-manners.test.ts': {
    '%o is answered with %i': ['http.allowed_hosts', 'http.allowed_origins'],
    'may be as deep as the limit allows, and no deeper': ['limits.json_depth_max'],
    'may be as large as the limit allows, and no larger': ['limits.body_bytes_max'],
    'with a header section over the limit are refused': ['limits.header_bytes_max'],
  },
  'test/e2e/modern-client-legacy-server.test.ts': {
    'is one of limits.parked_calls_max, and goes on when there are too many': [
      'limits.parked_calls_max',
    ],
  },
  'test/e2e/operate-running.test.ts': {
    'shows every configured server, and which gateway knows of it': of(SERVER, 'description'),
  },
  'test/e2e/recovery.test.ts': {
    'is asked in its own era, and where it answers with an error it is alive': of(
      SERVER,
      'health_check_interval_s',
    ),
    'row 6: three failures degrade it, recovery restarts it, and its counters are zero': of(
      SERVER,
      'call_timeout_s',
    ),
    'returns without a call once what kept it from starting is gone': of(
      SERVER,
      'max_consecutive_failures',
    ),
    'has its calls answered by that while it is degraded, and gets them back': of(
      SERVER,
      'failover.backup',
    ),
    'row 7: opens at the threshold, half-opens after the reset timeout, closes on success': of(
      `${SERVER}.circuit_breaker`,
      'failure_threshold',
      'reset_timeout_s',
    ),
  },
  'test/e2e/reload-triggers.test.ts': {
    'is looked at where nothing tells of its change': ['config_reload.interval_s'],
    'of variables is a part of it': ['env_file'],
    'is left alone where the configuration says so, until somebody asks': ['config_reload.enabled'],
  },
  'test/e2e/remote-connections.test.ts': {
    'of an authority that is named is accepted': of(SERVER, 'tls.ca_cert_path'),
    'that is self-signed is refused, and accepted unverified with a warning, once': of(
      SERVER,
      'tls.verify_ssl',
    ),
    'of %o is shown with every request': of(
      `${SERVER}.auth`,
      'type',
      'api_key',
      'key',
      'header',
      'bearer_token',
      'username',
      'password',
    ),
    'because nobody answers takes no longer than startup_timeout_s': of(
      SERVER,
      'startup_timeout_s',
    ),
  },
  'test/e2e/remote-faults.test.ts': {
    '(%s) becomes %s, once': of(SERVER, 'http.read_timeout'),
    '(%s) ends at the limit': ['limits.upstream_message_bytes_max'],
    'The credential and further headers go with every request, and into no log': of(
      SERVER,
      'http.headers',
      'auth.token',
    ),
  },
  'test/e2e/remote-servers.test.ts': {
    'is spoken to as "era: %s" says, and never as %s': of(SERVER, 'era'),
  },
  'test/e2e/sharing.test.ts': {
    'gives each client session a child of its own and ends it with the session': of(
      SERVER,
      'sharing',
    ),
    'queues calls until a child is free': of(SERVER, 'leased_children_max'),
    'lets a call wait no longer than lease_wait_s': ['limits.lease_wait_s'],
    'stops an idle child, and the next call starts another': of(SERVER, 'idle_ttl_s'),
  },
  'test/e2e/starts.test.ts': {
    'gives up on those that outlast the grace, and says so': ['limits.shutdown_grace_s'],
  },
  'test/e2e/stdio-manners.test.ts': {
    'ends it once more waits than may': ['limits.client_buffer_bytes_max'],
  },
  'test/e2e/storage.test.ts': {
    'is made, and has everything that commands and the next gateway find': [
      'persistence.sqlite.data_dir',
    ],
    'memory keeps nothing': ['persistence.backend'],
    'postgresql that does not answer is memory where that is allowed, and status says so': [
      'event_store.allow_memory_fallback',
    ],
    'compact keeps what removed events said, and replay says the same': [
      'event_store.keep_events_max',
    ],
  },
  'test/e2e/streams.test.ts': {
    'keeps no more events than the limit': ['limits.replay_events_max'],
    'sessions_max ends the session that has rested longest, never one in use': [
      'limits.sessions_max',
    ],
    'streams_max bounds standing streams and listens alike': ['limits.streams_max'],
    'in_flight_max refuses the call that is one too many': ['limits.in_flight_max'],
    'session_idle_s ends a session that nobody uses, and not one that listens': [
      'limits.session_idle_s',
    ],
  },
  'test/e2e/surface.test.ts': {
    'front_door shows the servers only': ['tool_access.mode'],
    'gateway_tools: %s': ['tool_access.gateway_tools'],
    'prefixes all names that collide, with each other and with the gateway’s': [
      'tool_access.naming',
    ],
    'takes tools out of lists and calls, whichever way they are named': of(SERVER, 'tools.hide'),
    'keeps a server from being started, listed and reached; status pages name it': [
      `${SERVER}.enabled`,
    ],
  },
};
