import { describe, expect, test } from 'vitest';
import type { ServerRow } from '../../application/operator/servers-report.ts';
import { listText, serverText, statusText } from './servers-text.ts';

const NOW = '2026-11-21T08:00:00.000Z';
const at = (secondsFromNow: number): string =>
  new Date(Date.parse(NOW) + secondsFromNow * 1_000).toISOString();

const ROW: ServerRow = {
  id: 'files',
  description: 'files of a folder',
  transport: 'stdio',
  mode: 'subprocess',
  enabled: true,
  state: 'ready',
  state_since: at(-90),
  health: 'healthy',
  tools: 14,
  in_flight: 1,
  queued: 0,
  processes: [{ pid: 7, started_at: at(-90), last_used_at: at(-5), in_flight: 1 }],
  last_used_at: at(-5),
  consecutive_failures: 0,
  last_error: null,
  suggestion: null,
  calls_go_to: null,
  next: { kind: 'idle_stop', at: at(250), attempt: null },
  circuit_breaker: null,
  cannot_cross: [],
};
const DEAD: ServerRow = {
  ...ROW,
  id: 'broken',
  state: 'dead',
  health: 'unhealthy',
  tools: 0,
  in_flight: 0,
  queued: 0,
  processes: [],
  last_used_at: null,
  consecutive_failures: 3,
  last_error: 'Cannot start MCP server "broken": command "uvx"\u001B[2J not found',
  suggestion: 'install uv',
  next: { kind: 'retry', at: at(16), attempt: 3 },
};
const view = (widthMax: number | undefined, isDetailed = false) => ({
  nowMs: Date.parse(NOW),
  isDetailed,
  widthMax,
});

describe('The status of servers', () => {
  test('says for how long, what comes next and what went wrong, without steering the terminal', () => {
    expect(statusText([ROW, DEAD], view(undefined)).split('\n')).toEqual([
      '    ID      STATE  FOR     HEALTH     TOOLS  CALLS/PROCS  NEXT                 LAST ERROR',
      'OK  files   ready  1m 30s  healthy    14     1/1          idle stop in 4m 10s',
      'XX  broken  dead   1m 30s  unhealthy  0      0/0          retry 3 in 16s       command "uvx" [2J not found',
    ]);
  });

  test('names the backup that gets the calls of a server', () => {
    const text = statusText([ROW, { ...ROW, id: 'main', calls_go_to: 'spare' }], view(undefined));
    expect(text).toMatch(/ CALLS GO TO +NEXT$/m);
    expect(text).toMatch(/^OK +main .* spare +idle stop/m);
    expect(statusText([ROW], view(undefined))).not.toContain('CALLS GO TO');
  });

  test.each([40, 60, 80, 120])('fits %i cells', (width) => {
    const lines = statusText([ROW, DEAD], view(width, true)).split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^OK {2}files +ready/);
  });

  test('has no column in which nothing stands, and more of them with details', () => {
    const quiet = { ...ROW, next: null };
    expect(statusText([quiet], view(undefined))).not.toMatch(/NEXT|LAST ERROR/);
    expect(statusText([quiet], view(undefined, true))).toMatch(/ BY +UP +USED$/m);
    expect(statusText([], view(80))).toBe('No MCP server is configured.');
  });
});

test('a list has a line for each server', () => {
  expect(listText([ROW, { ...ROW, id: 'off', enabled: false, state: 'disabled' }], 80)).toBe(
    'ID     BY     STATE     HEALTH   TOOLS  DESCRIPTION\n' +
      'files  stdio  ready     healthy  14     files of a folder\n' +
      'off    stdio  disabled  healthy  14     files of a folder',
  );
});

test('one server is told fact by fact, without those that are not known', () => {
  const calls = { total: 4, failed: 1, last_success_at: at(-60), last_failure_at: null };
  const more = { target: 'uvx x', era: null, name: null, version: null, hidden_tools: 2, calls };
  const text = serverText({ as_of: NOW, server: { ...DEAD, ...more } });
  expect(text.split('\n')).toEqual([
    'broken',
    '  state         XX dead for 1m 30s',
    '  health        unhealthy, 3 failures in a row',
    '  description   files of a folder',
    '  reached by    stdio (subprocess)',
    '  command       uvx x',
    '  tools         0, 2 hidden',
    '  calls         0 in flight, 4 made, 1 failed',
    '  last success  1m 0s ago',
    '  next          retry 3 in 16s',
    '  last error    Cannot start MCP server "broken": command "uvx" [2J not found',
    '  suggestion    install uv',
  ]);
  const busy = { ...DEAD, ...more, in_flight: 2, queued: 3 };
  expect(serverText({ as_of: NOW, server: busy })).toContain(
    '2 in flight, 3 waiting, 4 made, 1 failed',
  );
  const away = { ...DEAD, ...more, calls_go_to: 'spare' };
  expect(serverText({ as_of: NOW, server: away })).toMatch(/^ {2}calls go to +spare$/m);
});
