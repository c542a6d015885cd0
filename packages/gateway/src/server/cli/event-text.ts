/** Events as a person reads them, one line each, and as programs do. */
import type { StoredEvent } from '@mcp-hangar/kernel/event-store';
import { harmless } from './harmless.ts';

/** `2026-11-21 08:01:02.345  github  McpServerStateChanged cold → ready (handshake done)`, in local time. */
export function eventLine({ occurredAtMs, type, data, stream }: StoredEvent): string {
  const server = data['mcp_server_id'];
  const about = typeof server === 'string' ? server : (stream.split(':', 2)[1] ?? '-');
  const line = `${localTime(occurredAtMs)}  ${about}  ${type}${details(type, data)}`;
  return harmless(line);
}

/** One object with the names that are used everywhere outside: snake case, times in ISO 8601. */
export function eventJson(event: StoredEvent): string {
  return JSON.stringify({
    position: event.position,
    stream: event.stream,
    version: event.version,
    event_id: event.id,
    event_type: event.type,
    schema_version: event.schemaVersion,
    occurred_at: new Date(event.occurredAtMs).toISOString(),
    produced_by: event.producedBy,
    data: event.data,
  });
}

function details(type: string, data: StoredEvent['data']): string {
  const text = (key: string): string => {
    const value = data[key];
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  };
  switch (type) {
    case 'McpServerStateChanged':
      return ` ${text('old_state')} → ${text('new_state')} (${text('reason')})`;
    case 'ToolInvocationCompleted':
      return ` ${text('tool_name')} ${text('duration_ms')} ms, ${text('result_size_bytes')} bytes`;
    case 'ToolInvocationFailed':
      return ` ${text('tool_name')} ${text('duration_ms')} ms: ${text('error_type')}`;
    default: {
      const rest = Object.keys(data).filter((key) => key !== 'mcp_server_id' && data[key] !== null);
      return rest.map((key) => ` ${key}=${text(key)}`).join('');
    }
  }
}

/** `2026-11-21 08:01:02.345`. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A length of time before now, or a date. Undefined where it is neither. Milliseconds since the Unix epoch. */
export function parseSince(text: string, nowMs: number): number | undefined {
  const ago = /^(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
