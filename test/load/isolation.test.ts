/** Acceptance 5, the short form; `node test/load/isolation.ts` is the long one. */
import { expect, it } from 'vitest';
import { runScript } from './run-script.ts';

const RUN_MS_MAX = 120_000;
/** The others are among the faults of `test/faults`, beside a server that is called all the time. */
const FAULTS = ['hang', 'large', 'flood'];
const SHORT = ['--rounds', '3', '--seconds', '0.5', '--faults', FAULTS.join(',')];
/** Three short rounds tell a stalled gateway from a working one, and no more. */
const RATIO_MAX = '5';

it(
  'a server that hangs, floods, or answers with 12 MB does not stall the others',
  async () => {
    const { code, printed } = await runScript('isolation', [...SHORT, '--max', RATIO_MAX]);
    for (const fault of FAULTS) expect(printed).toContain(fault);
    expect(printed).not.toContain('FAILED');
    expect(code).toBe(0);
  },
  RUN_MS_MAX,
);
