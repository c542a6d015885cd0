import { expect, test } from 'vitest';
import {
  ParkedCallsReport,
  parkedCallsReport,
} from '../../application/operator/parked-calls-report.ts';
import type { ParkedCall } from '../../application/ports.ts';
import { parkedCallsText } from './parked-calls-text.ts';

const NOW_MS = Date.parse('2026-11-21T08:00:00.000Z');
const CALL: ParkedCall = {
  id: 'Vq3xkP0aZz9-',
  principal: 'stdio-0f8fad5b-d9cb-469f-a165-70867728950e',
  mcpServerId: 'everything',
  method: 'tools/call',
  name: 'everything__trigger-elicitation-request',
  requestDigest: 'sha256:secret',
  reason: 'input',
  asks: ['elicitation/create', 'elicitation/create', 'roots/list'],
  round: 2,
  parkedAtMs: NOW_MS - 75_000,
  expiresAtMs: NOW_MS + 525_000,
};
const OTHER: ParkedCall = {
  ...CALL,
  id: 'second',
  principal: 'anonymous',
  mcpServerId: undefined,
  method: 'prompts/get',
  name: 'greet',
  reason: 'approval',
  asks: [],
  round: 1,
  parkedAtMs: NOW_MS,
  expiresAtMs: NOW_MS,
};
const report = (calls: readonly ParkedCall[], total = calls.length): ParkedCallsReport =>
  parkedCallsReport({ nowMs: NOW_MS, total, calls });

test('the shape of --json is pinned: scripts read it', () => {
  expect(report([CALL, OTHER])).toEqual({
    as_of: '2026-11-21T08:00:00.000Z',
    total: 2,
    calls: [
      {
        id: 'Vq3xkP0aZz9-',
        waits_for: 'input',
        asks: ['elicitation/create', 'elicitation/create', 'roots/list'],
        mcp_server: 'everything',
        method: 'tools/call',
        name: 'everything__trigger-elicitation-request',
        principal: 'stdio-0f8fad5b-d9cb-469f-a165-70867728950e',
        round: 2,
        parked_at: '2026-11-21T07:58:45.000Z',
        expires_at: '2026-11-21T08:08:45.000Z',
      },
      {
        id: 'second',
        waits_for: 'approval',
        asks: [],
        mcp_server: null,
        method: 'prompts/get',
        name: 'greet',
        principal: 'anonymous',
        round: 1,
        parked_at: '2026-11-21T08:00:00.000Z',
        expires_at: '2026-11-21T08:00:00.000Z',
      },
    ],
  });
  expect(ParkedCallsReport.parse(report([CALL, OTHER]))).toEqual(report([CALL, OTHER]));
});

test('what opens a call or tells its arguments is in neither form', () => {
  expect(JSON.stringify(report([CALL]))).not.toContain('secret');
  expect(parkedCallsText(report([CALL]), undefined)).not.toContain('secret');
});

test('names are cut, so that an answer stays small', () => {
  const long = 'x'.repeat(10_000);
  const call = {
    ...CALL,
    name: long,
    principal: long,
    asks: Array.from({ length: 64 }, () => long),
  };
  expect(JSON.stringify(report([call])).length).toBeLessThan(6_000);
});

test('as a table', () => {
  expect(parkedCallsText(report([CALL, OTHER]), undefined)).toBe(
    [
      'ID            WAITS FOR           SERVER      TOOL                         PRINCIPAL       ROUND  PARKED      EXPIRES IN',
      'Vq3xkP0aZz9-  elicitation, roots  everything  trigger-elicitation-request  stdio-0f8fad5…  2      1m 15s ago  8m 45s',
      'second        approval            -           prompts/get greet            anonymous       1      0s ago      expired',
    ].join('\n'),
  );
});

test('as a table in a terminal of 80 cells', () => {
  const lines = parkedCallsText(report([CALL, OTHER]), 80).split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines[1]).toContain('Vq3xkP0aZz9-');
  expect(lines[0]).not.toContain('PRINCIPAL');
});

test('the server stands once, in its own column, whatever the client called the tool', () => {
  const toolOf = (name: string): string | undefined =>
    parkedCallsText(report([{ ...CALL, name }]), undefined)
      .split('\n')[1]
      ?.split(/ {2,}/)[3];
  expect(toolOf('everything__echo')).toBe('echo');
  expect(toolOf('echo')).toBe('echo');
  expect(toolOf('other__echo')).toBe('other__echo');
});

test('nothing and more than is shown are said', () => {
  expect(parkedCallsText(report([]), 80)).toBe('No call is parked.');
  expect(parkedCallsText(report([CALL], 5), undefined)).toMatch(/\n… and 4 more$/);
});
