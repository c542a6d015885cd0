/** What differs between two texts, line by line, in the form that `diff -u` prints. */

/** Beyond it (a product of lines) the differing middle is shown as one replacement. */
const CELLS_MAX = 4_000_000;
const CONTEXT_LINES = 3;

export interface DiffSide {
  readonly name: string;
  readonly lines: readonly string[];
  /** Lines as they may be shown; as many as `lines`, which alone decide what differs. */
  readonly shown?: readonly string[];
}

interface Step {
  readonly mark: ' ' | '-' | '+';
  /** Of the side that has it; of the old one for both. */
  readonly index: number;
}

/** Empty where nothing differs. No line end at the end. */
export function unifiedDiff(old: DiffSide, now: DiffSide): string {
  const steps = stepsOf(old.lines, now.lines);
  const hunks = hunksOf(steps);
  if (hunks.length === 0) return '';
  const text = ({ mark, index }: Step): string => {
    const side = mark === '+' ? now : old;
    return `${mark}${(side.shown ?? side.lines)[index] ?? ''}`;
  };
  const body = hunks.flatMap(({ from, to }) => {
    const part = steps.slice(from, to);
    return [headOf(steps, from, to), ...part.map(text)];
  });
  return [`--- ${old.name}`, `+++ ${now.name}`, ...body].join('\n');
}

function stepsOf(old: readonly string[], now: readonly string[]): readonly Step[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const most = Math.min(old.length, now.length) - start;
  while (end < most && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const same = (from: number, to: number): readonly Step[] =>
    Array.from({ length: to - from }, (_, index) => ({ mark: ' ', index: from + index }));
  return [
    ...same(0, start),
    ...middle(old, now, { start, oldEnd: old.length - end, nowEnd: now.length - end }),
    ...same(old.length - end, old.length),
  ];
}

interface Range {
  readonly start: number;
  readonly oldEnd: number;
  readonly nowEnd: number;
}

/** By the longest common subsequence. */
function middle(
  old: readonly string[],
  now: readonly string[],
  { start, oldEnd, nowEnd }: Range,
): readonly Step[] {
  const rows = oldEnd - start;
  const columns = nowEnd - start;
  const isSmall = rows * columns <= CELLS_MAX;
  const width = columns + 1;
  const lengths = new Uint32Array(isSmall ? (rows + 1) * width : 0);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = rows - 1; isSmall && row >= 0; row -= 1)
    for (let column = columns - 1; column >= 0; column -= 1)
      lengths[row * width + column] =
        old[start + row] === now[start + column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const steps: Step[] = [];
  let row = 0;
  let column = 0;
  while (row < rows || column < columns) {
    if (isSmall && row < rows && column < columns && old[start + row] === now[start + column]) {
      steps.push({ mark: ' ', index: start + row });
      row += 1;
      column += 1;
    } else if (row < rows && (column === columns || at(row + 1, column) >= at(row, column + 1))) {
      steps.push({ mark: '-', index: start + row });
      row += 1;
    } else {
      steps.push({ mark: '+', index: start + column });
      column += 1;
    }
  }
  return steps;
}

/** Changes with the lines around them; those that come near each other are one. */
function hunksOf(steps: readonly Step[]): readonly { from: number; to: number }[] {
  const hunks: { from: number; to: number }[] = [];
  for (const [index, { mark }] of steps.entries()) {
    if (mark === ' ') continue;
    const from = Math.max(0, index - CONTEXT_LINES);
    const to = Math.min(steps.length, index + CONTEXT_LINES + 1);
    const last = hunks.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  return hunks;
}

function headOf(steps: readonly Step[], from: number, to: number): string {
  const count = (side: '-' | '+', start: number, end: number): number =>
    steps.slice(start, end).filter(({ mark }) => mark === ' ' || mark === side).length;
  const place = (side: '-' | '+'): string => {
    const length = count(side, from, to);
    const line = count(side, 0, from) + (length === 0 ? 0 : 1);
    return length === 1 ? String(line) : `${line},${length}`;
  };
  return `@@ -${place('-')} +${place('+')} @@`;
}

/** Lines of a text; what ends with a line end has no empty line behind it. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
