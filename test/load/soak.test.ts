/** The short form; `node test/load/soak.ts` is the long one. */
import { expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { runScript } from './run-script.ts';

const SHORT = ['--minutes', '0.2', '--servers', '6', '--groups', '1', '--share', '0.3'];
const RUN_MS_MAX = 90_000;
const linux = needs('linux', () => process.platform === 'linux');

it.skipIf(linux.isMissing)(
  `Servers that are killed all the time cost the calls in flight, and nothing is wrong or lost ${linux.mark}`,
  async () => {
    const { code, printed } = await runScript('soak', SHORT);
    expect(printed).toMatch(/\d+ answered/);
    expect(printed).not.toContain('FAILED');
    expect(code).toBe(0);
  },
  RUN_MS_MAX,
);
