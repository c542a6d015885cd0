/**
 * Shares of `total` for things of these sizes. Nobody gets more than it needs, and whoever has to be cut gets at least
 * `min`; what is left is shared among those by their sizes. The sum is at most `total`, or the sum of all minima
 * where that is more.
 */
export function shares(sizes: readonly number[], total: number, min: number): readonly number[] {
  const sum = sizes.reduce((all, size) => all + size, 0);
  if (sum <= total) return sizes;
  const given = sizes.map((size) => Math.min(size, min));
  const large = [...sizes.entries()].filter(([, size]) => size > min).toSorted(bySize);
  let wanted = large.reduce((all, [, size]) => all + size, 0);
  let left = total - (sum - wanted);
  for (const [place, [index, size]] of large.entries()) {
    // Whose share by size is below the minimum has that already; the others share what remains.
    if ((size * left) / wanted >= min) {
      for (const [one, ofSize] of large.slice(place))
        given[one] = Math.floor((ofSize * left) / wanted);
      break;
    }
    left -= min;
    wanted -= size;
    given[index] = min;
  }
  return given;
}

type Sized = readonly [index: number, size: number];
const bySize = ([, left]: Sized, [, right]: Sized): number => left - right;
