import type { Position, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { describe, expect, test } from 'vitest';
import { eventJson, eventLine, parseSince } from './event-text.ts';

const event = (
  type: string,
  data: StoredEvent['data'],
  stream = 'mcp_server:files',
): StoredEvent => ({
  position: '0000000000000007' as Position,
  stream,
  version: 3,
  id: 'e-1',
  type,
  schemaVersion: 1,
  occurredAtMs: Date.parse('2026-11-21T08:01:02.345Z'),
  producedBy: 'host-1',
  data,
});
const textOf = (line: string): string => line.slice(line.indexOf('  ') + 2);

describe('an event as a line', () => {
  test.each([
    [
      event('McpServerStateChanged', {
        mcp_server_id: 'files',
        old_state: 'cold',
        new_state: 'ready',
        reason: 'handshake done',
      }),
      'files  McpServerStateChanged cold → ready (handshake done)',
    ],
    [
      event('ToolInvocationFailed', {
        mcp_server_id: 'files',
        tool_name: 'read',
        duration_ms: 7,
        error_type: 'CALL_TIMED_OUT',
      }),
      'files  ToolInvocationFailed read 7 ms: CALL_TIMED_OUT',
    ],
    [event('CallsNotRecorded', { count: 9 }, 'tool_calls'), '-  CallsNotRecorded count=9'],
  ])('says what happened', (stored, text) => {
    expect(textOf(eventLine(stored))).toBe(text);
  });

  test('never steers the terminal', () => {
    const name = 'a\u001b[2Jb\u009bc\n\u202Ed\u2028';
    const line = eventLine(event('ToolInvocationCompleted', { tool_name: name }));
    expect(line).not.toMatch(/[\p{Cc}\p{Bidi_C}\p{Zl}]/u);
  });
});

test('an event as JSON has the names that are used everywhere outside', () => {
  expect(JSON.parse(eventJson(event('X', { a: 1 })))).toEqual({
    position: '0000000000000007',
    stream: 'mcp_server:files',
    version: 3,
    event_id: 'e-1',
    event_type: 'X',
    schema_version: 1,
    occurred_at: '2026-11-21T08:01:02.345Z',
    produced_by: 'host-1',
    data: { a: 1 },
  });
});

test.each([
  ['90s', -90_000],
  ['10m', -600_000],
  ['2h', -7_200_000],
  ['3d', -259_200_000],
  ['1970-01-02T00:00Z', 0],
  ['yesterday', undefined],
  ['', undefined],
  ['10', undefined],
])('--since %s', (text, offset) => {
  const nowMs = 86_400_000;
  expect(parseSince(text, nowMs)).toBe(offset === undefined ? undefined : nowMs + offset);
});
