/** `writing-process.ts` as a child that is killed in the midst of its work. */
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

export type Writer = ChildProcessByStdio<null, Readable, null>;

/** Kills the process; answers the batches that it had been told are stored. */
export async function batchesUntilKilled(
  child: Writer,
  round: number,
): Promise<ReadonlyMap<string, number>> {
  const exited = once(child, 'exit');
  let printed = '';
  // Another moment of the work in each round.
  const enough = 40 * (1 + (round % 7));
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    printed += String(chunk);
    if (printed.length > enough) child.kill('SIGKILL');
  }
  await exited;
  const lines = printed.split('\n').slice(0, -1);
  return new Map(
    lines.map((line) => {
      const [batch = '', size] = line.split(' ');
      return [batch, Number(size)];
    }),
  );
}
