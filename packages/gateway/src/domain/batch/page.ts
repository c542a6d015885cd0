/** Pages of a UTF-8 text by byte offsets, without ever splitting a character. */

/** Bytes that are to be read beyond a page, so that its last character can be seen whole. */
export const PAGE_MARGIN_BYTES = 3;

/**
 * Where a page begins and ends in `bytes`, which were read from its offset on for its limit and the margin. A page has
 * the characters that begin in it, so that pages in a row have each character once, however they are counted on.
 */
export function pageIn(
  bytes: Uint8Array,
  limit: number,
): { readonly from: number; readonly to: number } {
  return { from: characterFrom(bytes, 0), to: characterFrom(bytes, Math.min(limit, bytes.length)) };
}

/** The first place at or behind `at` where a character begins. */
function characterFrom(bytes: Uint8Array, at: number): number {
  let place = at;
  while (place < bytes.length && place - at < PAGE_MARGIN_BYTES && isInside(bytes[place] ?? 0))
    place += 1;
  return place;
}

const isInside = (byte: number): boolean => (byte & 0xc0) === 0x80;
