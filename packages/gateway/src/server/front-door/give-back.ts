import type { Bytes } from '../../application/ports.ts';

/** Smaller parts are not worth it. */
const GIVEN_BACK_FROM_BYTES = 32_768;

/**
 * Frees the memory of parts that were sent, where a part is all of its memory. Left to the collector, every 12 MB
 * answer brings on a full collection, which stops the calls of everybody.
 */
export function giveBack(parts: readonly Bytes[]): void {
  for (const part of parts) {
    if (typeof part === 'string' || part.length < GIVEN_BACK_FROM_BYTES) continue;
    const { buffer } = part;
    if (buffer.byteLength === part.length && 'transfer' in buffer) detach(buffer);
  }
}

/** ES2024, which the compiler's library does not describe yet. */
const detach = (buffer: ArrayBufferLike): unknown =>
  (buffer as unknown as { transfer(bytes: number): unknown }).transfer(0);
