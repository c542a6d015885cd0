/** What a person reads on stderr, beside the log. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import type { Logger } from '../application/ports.ts';

export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** A defect goes to the log; on stderr it stands where this process has no gateway, so no log. */
export function tellDefect(error: unknown, logger: Logger | undefined): void {
  if (logger === undefined) say(`mcp-hangar: defect: ${stackOf(error)}`);
  else logger.error({ error: stackOf(error) }, 'defect');
}

/** To stdout, as one text; resolves when it is written. A reader that has read enough is no failure. */
export async function print(text: string): Promise<void> {
  process.stdout.on('error', () => undefined);
  await new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
}
