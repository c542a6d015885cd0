import { describe, expect, test } from 'vitest';
import { utf8Text } from '../byte-text.ts';
import { STAGES } from '../use-case.ts';
import { ProgressReporter } from './progress-reporter.ts';

interface Told {
  readonly progressToken: unknown;
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

function reporter(rawToken = '"t"'): {
  readonly told: Told[];
  readonly reporter: ProgressReporter;
} {
  const told: Told[] = [];
  return {
    told,
    reporter: new ProgressReporter(rawToken, (message) => {
      const { params } = JSON.parse(utf8Text(message)) as { params: Told };
      told.push(params);
    }),
  };
}
const rises = (told: readonly Told[]): boolean =>
  told.every(({ progress }, at) => at === 0 || progress > (told[at - 1]?.progress ?? 0));

describe('progress under the client’s token', () => {
  test('rises from stage to stage up to five', () => {
    const { told, reporter: tells } = reporter('"tö"');
    for (const stage of STAGES.slice(0, -1)) tells.stage(stage, 'x');
    expect(told.at(-1)).toEqual({
      progressToken: 'tö',
      progress: 5,
      total: 5,
      message: '[complete] x',
    });
    expect(told).toHaveLength(STAGES.length - 1);
    expect(rises(told)).toBe(true);
  });

  test('has what the server reports between two stages, with or without a total', () => {
    for (const total of [3, undefined]) {
      const { told, reporter: tells } = reporter('1');
      tells.stage('executing', 'x');
      for (let progress = 1; progress <= 3; progress += 1)
        tells.during({ progress, total, message: undefined });
      tells.stage('processing', 'x');
      expect(told).toHaveLength(5);
      expect(rises(told)).toBe(true);
    }
  });

  test('is left out where it would not rise', () => {
    const { told, reporter: tells } = reporter('1');
    tells.stage('ready', 'x');
    tells.stage('launching', 'of another start');
    tells.during({ progress: 3, total: 3, message: 'all' });
    tells.during({ progress: 1, total: 3, message: 'back' });
    expect(told.map(({ message }) => message)).toEqual(['[ready] x', '[executing] all']);
  });

  test('passes as it is where the server is all that is reported on', () => {
    const { told, reporter: tells } = reporter('1');
    tells.asIs({ progress: 0, total: undefined, message: undefined });
    tells.asIs({ progress: 10, total: 100, message: 'm' });
    expect(told).toEqual([
      { progressToken: 1, progress: 0 },
      { progressToken: 1, progress: 10, total: 100, message: 'm' },
    ]);
  });
});
