/** The short form, which judges no times; `node test/load/reload.ts` is the long one. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./reload.ts', import.meta.url));
const RUN_MS_MAX = 120_000;

it(
  'no call to an unchanged server fails and no session is lost in 60 reloads under load',
  async () => {
    const args = [SCRIPT, '--reloads', '60', '--servers', '60'];
    const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(await text(run.stdout)).toContain('nothing was lost');
  },
  RUN_MS_MAX,
);
