/** A settled tool call as an event: who called what, how it ended; never with what. */
import { hash } from 'node:crypto';
import type { JsonValue } from '@mcp-hangar/kernel/event-store';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Attempts } from '../calls/call-gate.ts';
import type { CallEnding } from '../calls/call-ending.ts';
import type { DomainEvent } from '../ports.ts';

export interface SettledCall {
  /** Undefined where no server was found for it. */
  readonly mcpServerId: string | undefined;
  /** Where the client named a group: the server is the member that the call was given to last. */
  readonly groupId?: string | undefined;
  /** The server's own name for it. */
  readonly toolName: string;
  readonly arguments: unknown;
  /** Of the whole request. */
  readonly requestChars: number;
  /** Session or principal. What is stored of it opens nothing. */
  readonly caller: string;
  readonly clientName: string | undefined;
  /** `_meta` of the request; it may have a `correlation_id`, as calls of the gateway's own tools do. */
  readonly meta: unknown;
  readonly ending: CallEnding;
  /** Undefined where there could be one only. */
  readonly attempts?: Attempts | undefined;
}

/** Larger arguments are hashed as they were parsed, without sorting: that would hold up everybody. */
const CANONICAL_CHARS_MAX = 65_536;
const NAME_CHARS_MAX = 256;
/** So that a full batch of failures is still one append. */
const MESSAGE_CHARS_MAX = 1_024;
const LABEL_CHARS = 16;

/** The stream of one server's calls. */
export const toolCallStream = (mcpServerId: string | undefined): string =>
  mcpServerId === undefined ? 'tool_calls' : `tool_calls:${mcpServerId}`;

/** @param eventId of the event: its correlation id, too, where the caller gave none */
export function callEvent(call: SettledCall, eventId: string, label: string): DomainEvent {
  const { ending, attempts } = call;
  const data: Record<string, JsonValue> = {
    mcp_server_id: call.mcpServerId ?? null,
    tool_name: call.toolName.slice(0, NAME_CHARS_MAX),
    correlation_id: correlationIdIn(call.meta) ?? eventId,
    arguments_digest: digestOf(call.arguments),
    duration_ms: ending.durationMs,
    identity_context: {
      principal_type: 'anonymous',
      session_id: label,
      client_name: call.clientName?.slice(0, NAME_CHARS_MAX) ?? null,
    },
  };
  if (call.groupId !== undefined) data['group_id'] = call.groupId;
  if (attempts !== undefined && attempts.attempts > 1) {
    data['attempts'] = attempts.attempts;
    data['retries'] = [...attempts.retries];
  }
  if (ending.error === undefined) {
    data['result_size_bytes'] = ending.bytes;
    return { type: 'ToolInvocationCompleted', data };
  }
  data['error_type'] = ending.error;
  data['error_message'] = ending.detail?.slice(0, MESSAGE_CHARS_MAX) ?? null;
  return { type: 'ToolInvocationFailed', data };
}

function correlationIdIn(meta: unknown): string | undefined {
  const id = isObject(meta) ? meta['correlation_id'] : undefined;
  return typeof id === 'string' && id !== '' ? id.slice(0, NAME_CHARS_MAX) : undefined;
}

/** What is stored of a session or principal: enough to find its calls, useless to take it over. */
export const callerLabel = (caller: string): string => sha256(caller).slice(0, LABEL_CHARS);

/** SHA-256 of the arguments as JSON with sorted keys (RFC 8785 order), in hexadecimal. */
export function digestOf(value: unknown): string {
  const text = JSON.stringify(value ?? {});
  if (text.length > CANONICAL_CHARS_MAX) return `sha256-unsorted:${sha256(text)}`;
  return `sha256:${sha256(isSorted(value) ? text : JSON.stringify(sorted(value)))}`;
}

const sha256 = (text: string): string => hash('sha256', text);

/** Most arguments are few, flat and in order: their text is canonical as it is. */
function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return false;
  let last = '';
  for (const [key, member] of Object.entries(value)) {
    if (key < last || (typeof member === 'object' && member !== null)) return false;
    last = key;
  }
  return true;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).toSorted();
  // Without a prototype: an argument may be called __proto__.
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of keys) copy[key] = sorted((value as JsonObject)[key]);
  return copy;
}

export const callsNotRecorded = (count: number): DomainEvent => ({
  type: 'CallsNotRecorded',
  data: { count } satisfies Record<string, JsonValue>,
});
