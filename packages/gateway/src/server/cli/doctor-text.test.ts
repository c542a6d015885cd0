import { expect, test } from 'vitest';
import type { DoctorReport, ServerReport } from '../../application/doctor/report.ts';
import { doctorText } from './doctor-text.ts';

const server = (id: string, rest: Partial<ServerReport> = {}): ServerReport => ({
  id,
  verdict: 'ok',
  era: null,
  revision: null,
  server: null,
  capabilities: [],
  command: null,
  timings_ms: {
    spawn: null,
    handshake: null,
    first_list: null,
    second_list: null,
    call: null,
    stop: null,
  },
  tools: null,
  findings: [],
  ...rest,
});
const REPORT: DoctorReport = {
  as_of: '2026-11-21T08:00:00.000Z',
  version: '0.1.0',
  installation: {
    config: { path: null, chosen_by: null },
    state_folder: null,
    node_version: '24.21.0',
    gateway: { state: 'absent', pid: null },
    findings: [
      { id: 'config_missing', level: 'warning', message: 'no file', risk: 'no servers', fix: null },
    ],
  },
  mcp_servers: [
    server('well', {
      era: 'legacy',
      revision: '2025-11-25',
      server: { name: 'x\u001b[2J', version: '1' },
      tools: { count: 1, bytes: 1_234, tokens_estimated: 309 },
      timings_ms: {
        spawn: 20,
        handshake: 1_480,
        first_list: 3.2,
        second_list: 2,
        call: null,
        stop: 9,
      },
      command: {
        configured: 'npx',
        file: '/usr/bin/node',
        via: 'npx',
        runtime: 'node',
        runtime_version: '24.21.0',
      },
    }),
    server('ill', {
      verdict: 'error',
      findings: [
        {
          id: 'no_answer',
          level: 'error',
          message: 'it did not answer "initialize" within 30 s',
          risk: 'its tools are missing',
          fix: 'raise "startup_timeout_s" if it installs or builds something first',
        },
      ],
    }),
  ],
  summary: { mcp_servers: 2, ok: 1, warning: 0, error: 1, skipped: 0, errors: 1, warnings: 1 },
};

test('the worst stands first, each with its risk and what to do', () => {
  expect(doctorText(REPORT, undefined)).toBe(
    [
      'ill: error',
      '  error    it did not answer "initialize" within 30 s [no_answer]',
      '    risk   its tools are missing',
      '    fix    raise "startup_timeout_s" if it installs or builds something first',
      '',
      'installation',
      '  warning  no file [config_missing]',
      '    risk   no servers',
      '',
      'well: ok, legacy 2025-11-25, x\uFFFD[2J 1, 1 tool (1.2 kB, about 309 tokens), start 1.5 s, list 3 ms, node 24.21.0 at /usr/bin/node (without npx)',
      '',
      '2 MCP servers: 1 ok, 1 with errors; 1 error, 1 warning',
    ].join('\n'),
  );
});

test('in a terminal its lines are cut between words', () => {
  const lines = doctorText(REPORT, 50).split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(50);
  expect(lines).toContain('    fix    raise "startup_timeout_s" if it');
  expect(lines).toContain('           installs or builds something first');
});
