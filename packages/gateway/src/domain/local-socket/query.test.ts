import { expect, test } from 'vitest';
import { answerLine, questionLine, readAnswer, readQuestion } from './query.ts';

test('each side reads what the other writes, each in one line', () => {
  const question = { query: 'list_parked_calls', input: { limit: 7, text: 'a\nb' } };
  expect(questionLine(question).indexOf('\n')).toBe(questionLine(question).length - 1);
  expect(readQuestion(questionLine(question))).toEqual(question);
  for (const answer of [
    { isOk: true, value: { calls: [] } },
    { isOk: false, code: 'INPUT_INVALID', message: 'a\nb' },
  ] as const) {
    expect(answerLine(answer).indexOf('\n')).toBe(answerLine(answer).length - 1);
    expect(readAnswer(answerLine(answer))).toEqual(answer);
  }
});

test('the lines have the form that the decision record shows', () => {
  expect(questionLine({ query: 'q', input: {} })).toBe('{"query":"q","input":{}}\n');
  expect(answerLine({ isOk: true, value: 1 })).toBe('{"ok":true,"value":1}\n');
  expect(answerLine({ isOk: false, code: 'X', message: 'y' })).toBe(
    '{"ok":false,"code":"X","message":"y"}\n',
  );
});

test.each([
  '',
  '[]',
  'null',
  '{}',
  '{"query":1,"input":{}}',
  '{"query":"q"}',
  '{"query":"q","input":[]}',
])('%j is no question', (line) => {
  expect(readQuestion(line)).toBeUndefined();
});

test.each(['', '[]', '{}', '{"ok":1}', '{"ok":false}', '{"ok":false,"code":1,"message":"m"}'])(
  '%j is no answer',
  (line) => {
    expect(readAnswer(line)).toBeUndefined();
  },
);
