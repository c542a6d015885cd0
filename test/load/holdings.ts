/**
 * Loaded into a gateway that a soak looks at: on SIGUSR2 it collects all garbage and appends what it still holds to
 * the file named by `HOLDINGS_FILE`, one JSON object a line. Between collections the memory of a process says how busy
 * it was, not what it keeps.
 */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { anonymousMib, heapMib, openFiles } from './resources.ts';

export interface Holdings {
  /** Resident, of the whole process. */
  readonly anonymousMib: number;
  /** Of the main thread. */
  readonly heapMib: number;
  readonly files: number;
}

const file = process.env['HOLDINGS_FILE'];

async function note(path: string): Promise<void> {
  const holdings: Holdings = {
    anonymousMib: await anonymousMib(),
    heapMib: heapMib(),
    files: openFiles(),
  };
  appendFileSync(path, `${JSON.stringify(holdings)}\n`);
}

if (isMainThread && file !== undefined) process.on('SIGUSR2', () => void note(file));
