import type { ServerEntry } from './schema-server.ts';

/** `members`: on a group it would do nothing, each member has it for itself. */
export type Whose = 'group' | 'members';

type WhoseOf<Block> = Block extends readonly unknown[] | string | number | boolean | undefined
  ? never
  : Readonly<Record<keyof Block, Whose>>;
type Decided = { readonly [Key in keyof ServerEntry]-?: Whose | WhoseOf<ServerEntry[Key]> };

/** Which keys of an entry, and of its blocks, say something of a group. One that is new has to be decided here. */
export const GROUP_KEYS: Decided = {
  mode: 'group',
  description: 'group',
  enabled: 'group',
  members: 'group',
  strategy: 'group',
  min_healthy: 'group',
  auto_start: 'group',
  health: 'group',
  canary: 'group',
  session_affinity: 'group',
  hedge_after_ms: 'group',
  call_timeout_s: 'group',
  tools: 'group',
  predefined_tools: 'group',
  max_concurrency: 'group',
  rate_limit: 'group',
  circuit_breaker: {
    failure_threshold: 'group',
    reset_timeout_s: 'group',
    probe_count: 'members',
    error_rate_pct: 'members',
    slow_call_ms: 'members',
    slow_rate_pct: 'members',
    window_s: 'members',
    min_calls: 'members',
  },
  failover: {
    max_members: 'group',
    backup: 'members',
    auto_failback: 'members',
    failback_delay_s: 'members',
  },
  // Policies: `inactive.ts` refuses them, whatever has them.
  access: 'group',
  tool_access: 'group',
  tool_projection: 'group',
  capabilities: 'group',
  command: 'members',
  args: 'members',
  env: 'members',
  cwd: 'members',
  image: 'members',
  build: 'members',
  volumes: 'members',
  network: 'members',
  network_mode: 'members',
  read_only: 'members',
  resources: 'members',
  user: 'members',
  endpoint: 'members',
  url: 'members',
  transport: 'members',
  auth: 'members',
  tls: 'members',
  http: 'members',
  era: 'members',
  sharing: 'members',
  session_children_max: 'members',
  leased_children_max: 'members',
  replicas: 'members',
  startup_timeout_s: 'members',
  idle_ttl_s: 'members',
  max_consecutive_failures: 'members',
  health_check_interval_s: 'members',
  backup: 'members',
};
