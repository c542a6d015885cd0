/** Tables for a terminal: as wide as their contents, or as the terminal where that is narrower. */

import { harmless } from './harmless.ts';

export interface Column {
  readonly title: string;
  /** Cells that it may be cut to where there is no room; without it, it is never cut. */
  readonly widthMin?: number;
  /** Left out where cutting is not enough: the highest first, from 1 on. */
  readonly leaveOut?: number;
}

interface Shown {
  readonly column: Column;
  readonly index: number;
  width: number;
}

const GAP = '  ';
const segmenter = new Intl.Segmenter();

/**
 * One line for the titles and one for each row, without a newline at the end. What names of servers and clients hold
 * cannot steer the terminal.
 *
 * @param widthMax cells of the terminal; undefined where it is none, 0 where it does not know
 */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widthMax: number | undefined,
): string {
  const clean = rows.map((row) => row.map(harmless));
  const all = columns.map((column, index) => ({
    column,
    index,
    width: Math.max(cellsOf(column.title), ...clean.map((row) => cellsOf(row[index] ?? ''))),
  }));
  const shown = widthMax === undefined || widthMax === 0 ? all : fitted(all, widthMax);
  const line = (row: readonly string[]): string =>
    shown
      .map(({ index, width }) => padded(row[index] ?? '', width))
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...clean.map(line)].join('\n');
}

/** Cuts the widest columns until all fit; where none can be cut any more, does so without one of them. */
function fitted(all: readonly Shown[], widthMax: number): readonly Shown[] {
  const shown = all.map((each) => ({ ...each }));
  let excess = GAP.length * (shown.length - 1) - widthMax;
  for (const { width } of shown) excess += width;
  for (; excess > 0; excess -= 1) {
    const widest = widestOf(shown.filter(canBeCut));
    if (widest === undefined) break;
    widest.width -= 1;
  }
  const least = all.toSorted((a, b) => rankOf(b) - rankOf(a))[0];
  if (excess <= 0 || least === undefined || rankOf(least) === 0) return shown;
  return fitted(
    all.filter((each) => each !== least),
    widthMax,
  );
}

const canBeCut = ({ column, width }: Shown): boolean => width > (column.widthMin ?? width);
const rankOf = ({ column }: Shown): number => column.leaveOut ?? 0;

const widestOf = (shown: readonly Shown[]): Shown | undefined =>
  shown.toSorted((a, b) => b.width - a.width)[0];

function padded(text: string, width: number): string {
  const cells = cellsOf(text);
  return cells <= width ? text + ' '.repeat(width - cells) : cutTo(text, width);
}

function cutTo(text: string, width: number): string {
  let kept = '';
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) {
    const more = widthOf(segment);
    if (cells + more > width - 1) break;
    kept += segment;
    cells += more;
  }
  return `${kept}…${' '.repeat(width - cells - 1)}`;
}

/** How many cells of a terminal a text takes. */
function cellsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) cells += widthOf(segment);
  return cells;
}

const PLAIN = /^[\u0020-\u007e]*$/;
const WIDE =
  /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u;
const widthOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);
