/** What a person reads on stderr, beside the log. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import type { Logger } from '../application/ports.ts';
import { harmlessLines } from '../server/cli/harmless.ts';

/** What servers, files and clients have put into it cannot steer the terminal. */
export const say = (text: string): void => void process.stderr.write(`${harmlessLines(text)}\n`);

/** A defect goes to the log; on stderr it stands where this process has no gateway, so no log. */
export function tellDefect(error: unknown, logger: Logger | undefined): void {
  if (logger === undefined) say(`mcp-hangar: defect: ${stackOf(error)}`);
  else logger.error({ error: stackOf(error) }, 'defect');
}

/** To stdout, as one text; resolves when it is written. A reader that has read enough is no failure (`main.ts`). */
export async function print(text: string): Promise<void> {
  const shown = forStdout(text);
  await new Promise<void>((resolve) => process.stdout.write(`${shown}\n`, () => resolve()));
}

/** A pipe gets the text as it is; a terminal, JSON included, nothing that could steer it. */
export const forStdout = (text: string): string =>
  process.stdout.isTTY ? harmlessLines(text) : text;

/** The signal, or the end of whoever reads stdout: nobody waits for what would be printed any more. */
export function untilUnread(signal: AbortSignal): AbortSignal {
  const unread = new AbortController();
  process.stdout.on('error', () => unread.abort());
  return AbortSignal.any([signal, unread.signal]);
}
