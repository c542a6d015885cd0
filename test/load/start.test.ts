/** Acceptance of the start over stdio, the short form; `node test/load/start.ts` is the long one. */
import { expect, it } from 'vitest';
import { runScript } from './run-script.ts';

it('answers from stored catalogues within its memory, and rests within it', async () => {
  const { code, printed } = await runScript('start', ['--short', '--rounds', '3']);
  expect(printed).toContain('within all limits');
  expect(code).toBe(0);
}, 120_000);
