import { expect, test } from 'vitest';
import {
  BATCH_REVISION,
  LATEST_LEGACY_REVISION,
  META,
  MODERN_REVISION,
  negotiateLegacy,
  PRIMING_REVISION,
  SUPPORTED_REVISIONS,
} from './revisions.ts';

test('the revisions on the wire are pinned, newest first', () => {
  expect(SUPPORTED_REVISIONS).toEqual([
    '2026-07-28',
    '2025-11-25',
    '2025-06-18',
    '2025-03-26',
    '2024-11-05',
  ]);
  expect(SUPPORTED_REVISIONS).toEqual([...SUPPORTED_REVISIONS].toSorted().toReversed());
  expect([MODERN_REVISION, LATEST_LEGACY_REVISION]).toEqual(['2026-07-28', '2025-11-25']);
  expect([BATCH_REVISION, PRIMING_REVISION]).toEqual(['2025-03-26', '2025-11-25']);
});

test('the keys of _meta are pinned', () => {
  expect(META).toEqual({
    prefix: 'io.modelcontextprotocol/',
    protocolVersion: 'io.modelcontextprotocol/protocolVersion',
    clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
    clientInfo: 'io.modelcontextprotocol/clientInfo',
    serverInfo: 'io.modelcontextprotocol/serverInfo',
    logLevel: 'io.modelcontextprotocol/logLevel',
    subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  });
});

test.each([
  ['2025-11-25', '2025-11-25'],
  ['2025-06-18', '2025-06-18'],
  ['2025-03-26', '2025-03-26'],
  ['2024-11-05', '2024-11-05'],
  ['2024-10-07', '2025-11-25'],
  ['2026-07-28', '2025-11-25'],
  ['2099-01-01', '2025-11-25'],
  ['', '2025-11-25'],
  [undefined, '2025-11-25'],
  [20251125, '2025-11-25'],
])('a client that asks for %s speaks %s from then on', (requested, revision) => {
  expect(negotiateLegacy(requested)).toBe(revision);
});
