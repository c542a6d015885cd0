import { expect, test } from 'vitest';
import type { SetupReport } from '../../application/setup/setup-report.ts';
import { diffText, setupText } from './setup-text.ts';

const EVIL = 'a\u001B]0;owned\u0007\u009B2J\u202Eb';
const REPORT: SetupReport = {
  config: '/c.yaml',
  dry_run: false,
  servers: [
    {
      client: 'cursor',
      file: '/f',
      name: `${EVIL}\nNext`,
      outcome: 'skipped',
      id: null,
      reason: EVIL,
      notes: [],
    },
    {
      client: 'cursor',
      file: '/f',
      name: 'b',
      outcome: 'imported',
      id: 'b',
      reason: null,
      notes: [`"${EVIL}" is not taken over`],
    },
  ],
  added: [],
  clients: [],
  runtimes: [],
  secrets: null,
  files: [{ path: '/f', change: 'changed', diff: `--- /f\n+\t"${EVIL}"` }],
  notes: [EVIL],
  smoke_test: [{ id: 'b', is_ready: false, ms: 1, tools: null, error: `stderr: ${EVIL}` }],
  undo: null,
};

test('what files and servers hold cannot steer the terminal', () => {
  for (const text of [setupText(REPORT, 80), diffText(REPORT)]) {
    expect(text).not.toMatch(/[^\P{Cc}\t\n]|\p{Bidi_C}/u);
    expect(text).toContain('a\uFFFD');
  }
  expect(setupText(REPORT, 80)).not.toMatch(/^\s*Next\S/m);
});
