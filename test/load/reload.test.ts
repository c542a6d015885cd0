/** The short form, which judges no times; `node test/load/reload.ts` is the long one. */
import { expect, it } from 'vitest';
import { runScript } from './run-script.ts';

const RUN_MS_MAX = 120_000;

it(
  'no call to an unchanged server fails and no session is lost in 60 reloads under load',
  async () => {
    const { code, printed } = await runScript('reload', ['--reloads', '60', '--servers', '60']);
    expect(printed).toContain('nothing was lost');
    expect(code).toBe(0);
  },
  RUN_MS_MAX,
);
