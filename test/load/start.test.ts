/** Acceptance of the start over stdio, the short form; `node test/load/start.ts` is the long one. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./start.ts', import.meta.url));

it('answers from stored catalogues within its memory, and rests within it', async () => {
  const args = [SCRIPT, '--short', '--rounds', '3'];
  const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await text(run.stdout)).toContain('within all limits');
}, 120_000);
