/** Acceptance 5, the short form; `node test/load/isolation.ts` is the long one. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./isolation.ts', import.meta.url));
const RUN_MS_MAX = 120_000;
const SHORT = [
  '--rounds',
  '3',
  '--seconds',
  '0.5',
  '--faults',
  'hang,garbage,large,crash,freeze,flood',
];
/** Three short rounds tell a stalled gateway from a working one, and no more. */
const RATIO_MAX = '5';

it(
  'a server that hangs, ends, stands still, floods, or answers with garbage or 12 MB does not stall the others',
  async () => {
    const args = [SCRIPT, ...SHORT, '--max', RATIO_MAX];
    const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const printed = await text(run.stdout);
    for (const fault of ['hang', 'garbage', 'large', 'crash', 'freeze', 'flood'])
      expect(printed).toContain(fault);
    expect(printed).not.toContain('FAILED');
  },
  RUN_MS_MAX,
);
