/** Acceptance 6, the short form; `node test/load/event-log.ts` is the long one. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./event-log.ts', import.meta.url));
const RUN_MS_MAX = 60_000;
/** On a busy machine half a second tells group commit in a worker from an fsync for each event, and no more. */
const SHORT = ['--seconds', '0.5', '--min', '1000', '--late', '200'];

it(
  'takes events from 64 writers without holding up the event loop, and keeps all of them',
  async () => {
    const run = spawn(process.execPath, [SCRIPT, ...SHORT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const printed = await text(run.stdout);
    expect(printed).toContain('64 writers');
    expect(printed).toContain(' 0 findings');
    expect(printed).not.toContain('FAILED');
  },
  RUN_MS_MAX,
);
