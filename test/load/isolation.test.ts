/** Acceptance 5, the short form; `node test/load/isolation.ts` is the long one. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./isolation.ts', import.meta.url));
const RUN_MS_MAX = 120_000;
/** The others are among the faults of `test/faults`, beside a server that is called all the time. */
const FAULTS = ['hang', 'large', 'flood'];
const SHORT = ['--rounds', '3', '--seconds', '0.5', '--faults', FAULTS.join(',')];
/** Three short rounds tell a stalled gateway from a working one, and no more. */
const RATIO_MAX = '5';

it(
  'a server that hangs, floods, or answers with 12 MB does not stall the others',
  async () => {
    const args = [SCRIPT, ...SHORT, '--max', RATIO_MAX];
    const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const printed = await text(run.stdout);
    for (const fault of FAULTS) expect(printed).toContain(fault);
    expect(printed).not.toContain('FAILED');
  },
  RUN_MS_MAX,
);
