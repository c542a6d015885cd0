/** The short forms; `node test/load/event-log.ts` and `node test/load/sustained.ts` are the long ones. */
import { expect, it } from 'vitest';
import { runScript } from './run-script.ts';

const RUN_MS_MAX = 60_000;
/** On a busy machine half a second tells group commit in a worker from an fsync for each event, and no more. */
const SHORT = ['--seconds', '0.5', '--min', '1000', '--late', '200'];

it(
  'takes events from 64 writers without holding up the event loop, and keeps all of them',
  async () => {
    const { code, printed } = await runScript('event-log', SHORT);
    expect(printed).toContain('64 writers');
    expect(printed).toContain(' 0 findings');
    expect(printed).not.toContain('FAILED');
    expect(code).toBe(0);
  },
  RUN_MS_MAX,
);

it(
  'has every call that settles, at a rate that any machine reaches',
  async () => {
    const few = ['--rate', '500', '--seconds', '1', '--late', '1000'];
    const { printed } = await runScript('sustained', few);
    expect(printed).toMatch(/^(HOLDS|LIMIT): /m);
    expect(printed).not.toContain('not recorded');
  },
  RUN_MS_MAX,
);
