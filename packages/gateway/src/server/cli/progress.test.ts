import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startProgress } from './progress.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function terminal(columns?: number) {
  const written: string[] = [];
  const stream = {
    isTTY: true,
    ...(columns === undefined ? {} : { columns }),
    write: (text: string) => written.push(text),
  };
  return { written, stream };
}
const CLEAR = '\r\u001B[2K';

describe('Progress', () => {
  it('of what is over soon shows nothing', () => {
    const { written, stream } = terminal();
    const progress = startProgress('asking', { stream });
    vi.advanceTimersByTime(299);
    progress.say('asking again');
    progress[Symbol.dispose]();
    vi.advanceTimersByTime(10_000);
    expect(written).toEqual([]);
  });

  it('moves while it takes long, says what it does, and leaves nothing behind', () => {
    const { written, stream } = terminal();
    const progress = startProgress('asking', { stream });
    vi.advanceTimersByTime(400);
    progress.say('waiting');
    progress.print('a line');
    progress[Symbol.dispose]();
    vi.advanceTimersByTime(10_000);
    expect(written).toEqual([
      `${CLEAR}⠋ asking`,
      `${CLEAR}⠙ asking`,
      `${CLEAR}⠹ waiting`,
      CLEAR,
      'a line\n',
      `${CLEAR}⠸ waiting`,
      CLEAR,
    ]);
  });

  it('fits into one line that steers nothing', () => {
    const { written, stream } = terminal(12);
    using _progress = startProgress('ask\u001B[2Jing for long', { stream });
    vi.advanceTimersByTime(300);
    expect(written).toEqual([`${CLEAR}⠋ ask\uFFFD[2Ji…`]);
  });

  it('is nothing but its lines in a pipe, and where it is to be still', () => {
    const { written, stream } = terminal();
    for (const options of [{ stream: { ...stream, isTTY: false } }, { stream, isStill: true }]) {
      using progress = startProgress('asking', options);
      vi.advanceTimersByTime(10_000);
      progress.print('a line');
    }
    expect(written).toEqual(['a line\n', 'a line\n']);
  });
});
