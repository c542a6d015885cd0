/** The short forms; `node test/load/event-log.ts` and `node test/load/sustained.ts` are the long ones. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const EVENT_LOG = fileURLToPath(new URL('./event-log.ts', import.meta.url));
const SUSTAINED = fileURLToPath(new URL('./sustained.ts', import.meta.url));
const RUN_MS_MAX = 60_000;
/** On a busy machine half a second tells group commit in a worker from an fsync for each event, and no more. */
const SHORT = ['--seconds', '0.5', '--min', '1000', '--late', '200'];

it(
  'takes events from 64 writers without holding up the event loop, and keeps all of them',
  async () => {
    const run = spawn(process.execPath, [EVENT_LOG, ...SHORT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const printed = await text(run.stdout);
    expect(printed).toContain('64 writers');
    expect(printed).toContain(' 0 findings');
    expect(printed).not.toContain('FAILED');
  },
  RUN_MS_MAX,
);

it(
  'has every call that settles, at a rate that any machine reaches',
  async () => {
    const few = ['--rate', '500', '--seconds', '1', '--late', '1000'];
    const run = spawn(process.execPath, [SUSTAINED, ...few], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const printed = await text(run.stdout);
    expect(printed).toMatch(/^(HOLDS|LIMIT): /m);
    expect(printed).not.toContain('not recorded');
  },
  RUN_MS_MAX,
);
