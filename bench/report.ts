import { FIGURES, type FigureId, type FigureRule, type Sample, type Samples } from './figures.ts';
import { median, spreadOf, type Spread } from './statistics.ts';

/** Ratios of an earlier run, to compare with. */
export type Baseline = Readonly<Partial<Record<FigureId, number>>>;

export interface Standard {
  readonly baseline: Baseline;
  /** How much worse than the baseline a ratio may be, as a share of it. */
  readonly tolerance: number;
  /** Whether a missed target fails the run, or is only told. */
  readonly enforcesTargets: boolean;
}

export interface Line {
  readonly id: FigureId;
  readonly direct: number | undefined;
  readonly floor: number;
  readonly gateway: number;
  readonly ratio: Spread;
  readonly target: number | undefined;
  readonly baseline: number | undefined;
  readonly verdict: 'ok' | 'target missed' | 'worse than baseline';
  readonly isFailure: boolean;
}

const FIGURE_IDS = Object.keys(FIGURES) as FigureId[]; // the keys of an object literal

function verdictOn(
  ratio: number,
  rule: FigureRule,
  baseline: number | undefined,
  standard: Standard,
) {
  const isWorse = (limit: number | undefined, slack: number): boolean =>
    limit !== undefined &&
    (rule.better === 'lower' ? ratio > limit * (1 + slack) : ratio < limit * (1 - slack));
  if (isWorse(baseline, standard.tolerance)) return 'worse than baseline' as const;
  return isWorse(rule.target, 0) ? ('target missed' as const) : ('ok' as const);
}

const medianOf = (samples: readonly Sample[], key: 'floor' | 'gateway'): number =>
  median(samples.map((sample) => sample[key]));

/** Medians over the rounds, and what to say of each. */
export function judge(samples: Samples, standard: Standard): readonly Line[] {
  return FIGURE_IDS.map((id) => {
    const rule = FIGURES[id];
    const rounds = samples[id];
    const direct = rounds.flatMap((sample) => sample.direct ?? []);
    const ratio = spreadOf(rounds.map((sample) => sample.ratio));
    const baseline = standard.baseline[id];
    const verdict = verdictOn(ratio.median, rule, baseline, standard);
    return {
      id,
      direct: direct.length === 0 ? undefined : median(direct),
      floor: medianOf(rounds, 'floor'),
      gateway: medianOf(rounds, 'gateway'),
      ratio,
      target: rule.target,
      baseline,
      verdict,
      isFailure:
        verdict === 'worse than baseline' ||
        (verdict === 'target missed' && standard.enforcesTargets),
    };
  });
}

const amount = (value: number | undefined, unit: string): string => {
  if (value === undefined) return '–';
  const digits = unit === '/s' || value >= 1000 ? 0 : 1;
  const text = value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === '/s' ? text : `${text} ${unit}`;
};

const HEADINGS = [
  '',
  'direct',
  'floor',
  'gateway',
  'ratio',
  'middle half',
  'target',
  'baseline',
  '',
];

/** The table that is printed. */
export function tableOf(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const { title, unit, better } = FIGURES[line.id];
    return [
      title,
      amount(line.direct, unit),
      amount(line.floor, unit),
      amount(line.gateway, unit),
      line.ratio.median.toFixed(2),
      `${line.ratio.low.toFixed(2)} … ${line.ratio.high.toFixed(2)}`,
      line.target === undefined
        ? '–'
        : `${better === 'lower' ? '≤' : '≥'} ${line.target.toFixed(2)}`,
      line.baseline?.toFixed(2) ?? '–',
      line.isFailure || line.verdict === 'ok' ? line.verdict : `${line.verdict} (not enforced)`,
    ];
  });
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isText = (column: number): boolean => column === 0 || column === HEADINGS.length - 1;
  const pad = (cell: string, column: number): string =>
    isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return [HEADINGS, ...rows].map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
