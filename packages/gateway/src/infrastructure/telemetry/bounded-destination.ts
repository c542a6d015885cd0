import type { Writable } from 'node:stream';

/** What may wait for a reader of the log that does not read. Bytes. */
const WAITING_BYTES_MAX = 1_048_576;

/** Writes lines to a stream; while nobody reads it, lines are dropped and counted instead of kept in memory. */
export function boundedDestination(stream: Writable): { write(line: string): void } {
  let dropped = 0;
  return {
    write(line) {
      if (stream.writableLength > WAITING_BYTES_MAX) {
        dropped += 1;
        return;
      }
      if (dropped > 0)
        stream.write(`mcp-hangar: ${dropped} log lines were dropped, nobody read them\n`);
      dropped = 0;
      stream.write(line);
    },
  };
}
