import { describe, expect, test } from 'vitest';
import { LOG_LINES_MAX, ServerLogs, type ServerLogLine } from './server-logs.ts';

const lineOf = (mcpServerId: string, line: string): ServerLogLine => ({
  mcpServerId,
  atMs: 0,
  pid: 7,
  line,
});
const texts = (lines: readonly ServerLogLine[]): readonly string[] => lines.map(({ line }) => line);

describe('What servers write', () => {
  test('is given back in the order in which it came, of one server or of all', () => {
    const logs = new ServerLogs();
    for (const [id, text] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
    ] as const)
      logs.append(lineOf(id, text));
    expect(texts(logs.last(10))).toEqual(['a1', 'b1', 'a2']);
    expect(texts(logs.last(2))).toEqual(['b1', 'a2']);
    expect(texts(logs.last(10, 'a'))).toEqual(['a1', 'a2']);
    expect(texts(logs.last(10, 'unknown'))).toEqual([]);
  });

  test('is bounded in lines and in bytes, whoever writes how much', () => {
    const logs = new ServerLogs();
    for (let index = 0; index < LOG_LINES_MAX + 5; index += 1)
      logs.append(lineOf('a', String(index)));
    expect(texts(logs.last(LOG_LINES_MAX * 2)).slice(0, 1)).toEqual(['5']);
    expect(logs.last(LOG_LINES_MAX * 2)).toHaveLength(LOG_LINES_MAX);
    for (let index = 0; index < LOG_LINES_MAX; index += 1)
      logs.append(lineOf('a', 'x'.repeat(8_192)));
    expect(logs.last(LOG_LINES_MAX)).toHaveLength(128);
  });

  test('is told to whoever watches, until that ends', () => {
    const logs = new ServerLogs();
    const [heard, all]: [string[], string[]] = [[], []];
    const end = logs.watch(({ line }) => void heard.push(line), 'a');
    logs.watch(({ line }) => void all.push(line));
    logs.append(lineOf('a', 'one'));
    logs.append(lineOf('b', 'two'));
    end();
    logs.append(lineOf('a', 'three'));
    expect(heard).toEqual(['one']);
    expect(all).toEqual(['one', 'two', 'three']);
  });
});
