import { resolve as resolvePath } from 'node:path';

import type { Secret } from '@mcp-hangar/kernel/secret';

import type { Limits } from '../../domain/limits.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { resolveExecution } from './resolve-execution.ts';
import { resolveServers } from './resolve-group.ts';
import type { LaunchBase } from './resolve-server.ts';
import { plainTextNotice, resolvePersistence } from './resolve-persistence.ts';
import type { ConfigDocument } from './schema.ts';

interface ResolveInput {
  readonly document: ConfigDocument;
  /** Of the file; undefined without one. */
  readonly path: string | undefined;
  readonly base: LaunchBase;
  readonly notices: readonly string[];
  readonly secrets: readonly Secret[];
}

/** A parsed document as the gateway uses it: camel case, milliseconds, absolute paths. */
export function resolveConfig(input: ResolveInput): GatewayConfig {
  const { document, path, base, notices, secrets } = input;
  const { http, catalog, logging, health_check: health } = document;
  const healthIntervalS = health?.enabled === false ? 0 : (health?.interval_s ?? HEALTH_INTERVAL_S);
  const servers = [
    ...Object.entries(document.mcp_servers ?? {}),
    ...Object.entries(document.providers ?? {}),
  ];
  const persistence = resolvePersistence(document, base.directory);
  return {
    path: path === undefined ? undefined : resolvePath(path),
    http: {
      host: http.host,
      port: http.port,
      allowedHosts: http.allowed_hosts,
      allowedOrigins: http.allowed_origins,
    },
    limits: resolveLimits(document.limits),
    execution: resolveExecution(document),
    catalog: {
      warm: catalog.warm,
      firstListWaitMs: catalog.first_list_wait_ms,
      ttlMs: catalog.ttl_ms,
      startConcurrency: catalog.start_concurrency,
    },
    toolAccess: {
      mode: document.tool_access.mode,
      gatewayTools: document.tool_access.gateway_tools,
      naming: document.tool_access.naming,
    },
    logging: { level: logging.level, json: logging.json_format },
    truncation: resolveTruncation(document.truncation),
    persistence,
    eventLog: resolveEventLog(document.event_store),
    reload: resolveReload(document.config_reload),
    ...resolveServers(servers, { ...base, secrets, healthIntervalS }, document),
    notices: [...notices, ...plainTextNotice(persistence)],
  };
}

/** Where the file says nothing of it. */
const HEALTH_INTERVAL_S = 60;
const DAY_MS = 86_400_000;

const resolveReload = (block: ConfigDocument['config_reload']): GatewayConfig['reload'] => ({
  isWatched: block.enabled,
  isTold: block.use_watchdog,
  intervalMs: Math.round(block.interval_s * 1000),
});

function resolveEventLog(block: ConfigDocument['event_store']): GatewayConfig['eventLog'] {
  return {
    isEnabled: block.enabled,
    allowsMemoryFallback: block.allow_memory_fallback,
    callsMax: block.call_log_queue_max,
    keepMs: block.keep_days * DAY_MS,
    keepEventsMax: block.keep_events_max,
  };
}

function resolveTruncation(block: ConfigDocument['truncation']): GatewayConfig['truncation'] {
  return {
    isEnabled: block.enabled,
    batchBytesMax: block.max_batch_size_bytes,
    resultBytesMin: block.min_per_response_bytes,
    keepsStructure: block.preserve_json_structure,
    endsAtLines: block.truncate_on_line_boundary,
    ttlMs: Math.round(block.cache_ttl_s * 1000),
    entriesMax: block.max_cache_entries,
    bytesMax: block.max_cache_bytes,
  };
}

function resolveLimits(limits: ConfigDocument['limits']): Limits {
  return {
    bodyBytesMax: limits.body_bytes_max,
    jsonDepthMax: limits.json_depth_max,
    headerBytesMax: limits.header_bytes_max,
    sessionsMax: limits.sessions_max,
    sessionIdleMs: limits.session_idle_s * 1000,
    streamsMax: limits.streams_max,
    inFlightMax: limits.in_flight_max,
    parkedCallsMax: limits.parked_calls_max,
    clientBufferBytesMax: limits.client_buffer_bytes_max,
    replayEventsMax: limits.replay_events_max,
    replayBytesMax: limits.replay_bytes_max,
    upstreamMessageBytesMax: limits.upstream_message_bytes_max,
    upstreamQueueBytesMax: limits.upstream_queue_bytes_max,
    leaseWaitMs: Math.round(limits.lease_wait_s * 1000),
    shutdownGraceMs: Math.round(limits.shutdown_grace_s * 1000),
  };
}
