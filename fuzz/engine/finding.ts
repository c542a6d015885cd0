/** A defect that an input shows. Inputs that show the same one are told once. */
import { createHash } from 'node:crypto';

export interface Finding {
  /** Names the defect: the same for all inputs that show it. */
  readonly hash: string;
  readonly what: string;
  readonly input: Buffer;
}

const OURS = /(?:packages|fuzz)\/[^\s():]+\.ts:\d+/;

export function findingOf(error: unknown, input: Buffer): Finding {
  const what = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : what;
  // What differs from input to input stands behind the first colon, or is a number.
  const kind = message.split(':', 2).join(':').replaceAll(/\d+/g, '0').slice(0, 120);
  const place = OURS.exec(what)?.[0] ?? '';
  const hash = createHash('sha256').update(`${kind} ${place}`).digest('hex').slice(0, 12);
  return { hash, what: what.slice(0, 6_000), input: Buffer.from(input) };
}
