import type { Duplex } from 'node:stream';

const NEWLINE = 10;

export type FirstLine =
  /** Without its newline. */
  | { readonly kind: 'line'; readonly text: string }
  /** The stream ended, or failed, before the line did. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'late' }
  | { readonly kind: 'overlong' };

export interface FirstLineBounds {
  readonly bytesMax: number;
  readonly msMax: number;
}

/**
 * Reads the first line of a stream that goes on with something else: what follows is put back, and the stream is
 * paused. Never rejects.
 */
export function firstLine(
  stream: Duplex,
  { bytesMax, msMax }: FirstLineBounds,
): Promise<FirstLine> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const settle = (first: FirstLine): void => {
      clearTimeout(limit);
      stream.off('data', onData).off('end', onEnd).off('error', onEnd).off('close', onEnd);
      stream.pause();
      resolve(first);
    };
    const onEnd = (): void => settle({ kind: 'ended' });
    const onData = (chunk: Buffer): void => {
      const end = chunk.indexOf(NEWLINE);
      const piece = end === -1 ? chunk : chunk.subarray(0, end);
      bytes += piece.length;
      if (bytes > bytesMax) return settle({ kind: 'overlong' });
      pieces.push(piece);
      if (end === -1) return;
      settle({ kind: 'line', text: Buffer.concat(pieces).toString('utf8') });
      if (end + 1 < chunk.length) stream.unshift(chunk.subarray(end + 1));
    };
    const limit = setTimeout(() => settle({ kind: 'late' }), msMax);
    limit.unref();
    stream.on('data', onData).on('end', onEnd).on('error', onEnd).on('close', onEnd);
    stream.resume();
  });
}
