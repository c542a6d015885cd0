/** The short form; `node test/load/soak.ts` is the long one. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';

const SCRIPT = fileURLToPath(new URL('./soak.ts', import.meta.url));
const SHORT = ['--minutes', '0.2', '--servers', '6', '--groups', '0', '--share', '0.3'];
const RUN_MS_MAX = 90_000;
const linux = needs('linux', () => process.platform === 'linux');

it.skipIf(linux.isMissing)(
  `Servers that are killed all the time cost the calls in flight, and nothing is wrong or lost ${linux.mark}`,
  async () => {
    const run = spawn(process.execPath, [SCRIPT, ...SHORT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const printed = await text(run.stdout);
    expect(printed).toMatch(/\d+ answered/);
    expect(printed).not.toContain('FAILED');
  },
  RUN_MS_MAX,
);
