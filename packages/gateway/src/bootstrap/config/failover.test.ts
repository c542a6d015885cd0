import { describe, expect, it } from 'vitest';
import { loadGatewayConfig } from './load-config.ts';

const load = (text: string): ReturnType<typeof loadGatewayConfig> =>
  loadGatewayConfig({ path: '/etc/config.yaml', text: `mcp_servers:\n${text}`, env: {} });

describe('a server with a backup', () => {
  it.each([
    ['  a: {command: x, backup: b}\n  b: {command: y}\n', { failbackDelayMs: 30_000 }],
    [
      '  a: {command: x, failover: {backup: b, auto_failback: false, failback_delay_s: 0.5}}\n  b: {command: y}\n',
      { autoFailback: false, failbackDelayMs: 500 },
    ],
  ])('%j is paired', (text, wanted) => {
    const loaded = load(text);
    expect(loaded.ok && loaded.value.servers[0]?.failover).toMatchObject({
      backup: 'b',
      ...wanted,
    });
    expect(loaded.ok && loaded.value.servers[1]?.failover).toBeUndefined();
  });

  it.each([
    ['  a: {command: x, backup: none}\n', 'mcp_servers.a.backup: there is no server "none"'],
    [
      '  a: {command: x, failover: {backup: a}}\n',
      'mcp_servers.a.failover.backup: a server is no backup of itself',
    ],
    [
      '  a: {command: x, backup: b}\n  b: {command: y, backup: c}\n  c: {command: z}\n',
      'mcp_servers.a.backup: the backup "b" has a backup of its own',
    ],
    [
      '  a: {command: x, backup: c}\n  b: {command: y, backup: c}\n  c: {command: z}\n',
      'mcp_servers.b.backup: "c" is the backup of "a" already',
    ],
    [
      '  a: {command: x, backup: b, failover: {backup: b}}\n  b: {command: y}\n',
      'mcp_servers.a.backup: "backup" is short for "failover.backup", and "failover" is given too',
    ],
  ])('%j is refused', (text, problem) => {
    const loaded = load(text);
    const problems = loaded.ok ? [] : loaded.error;
    expect(problems.map(({ path, message }) => `${path}: ${message}`)).toContain(problem);
  });
});
