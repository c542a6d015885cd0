import { describe, expect, test } from 'vitest';
import { questionLine, readAnswer, type QueryAnswer } from '../../domain/local-socket/query.ts';
import type { Logger, ParkedCall } from '../ports.ts';
import type { UseCaseDeps } from '../use-case.ts';
import { answerQuestion } from './answer-question.ts';

const CALL: ParkedCall = {
  id: 'a',
  principal: 'anonymous',
  mcpServerId: 'up',
  method: 'tools/call',
  name: 'ask',
  requestDigest: 'digest',
  reason: 'input',
  asks: ['roots/list'],
  round: 1,
  parkedAtMs: 0,
  expiresAtMs: 600_000,
};

interface Asked {
  readonly answer: QueryAnswer | undefined;
  readonly logged: readonly string[];
}

/** What a gateway with these calls answers to a line. */
async function asked(line: string, list: () => readonly ParkedCall[] = () => []): Promise<Asked> {
  const logged: string[] = [];
  const log: Logger['error'] = (fields, event) => void logged.push(event + JSON.stringify(fields));
  const logger = { debug: log, info: log, warn: log, error: log };
  const used = { clock: { nowMs: () => 1_000 }, logger, parkedCalls: { list } };
  // What its one entry works with.
  const deps = used as Partial<UseCaseDeps> as UseCaseDeps;
  const { signal } = new AbortController();
  const text = await answerQuestion(deps, line, { signal, tell: () => undefined });
  expect(text.indexOf('\n')).toBe(text.length - 1);
  return { answer: readAnswer(text), logged };
}

const parked = (input: Readonly<Record<string, unknown>> = {}): string =>
  questionLine({ query: 'list_parked_calls', input });

describe('A question', () => {
  test('is answered with the value of its entry', async () => {
    const calls = [CALL, { ...CALL, id: 'b' }];
    const { answer, logged } = await asked(parked({ limit: 1 }), () => calls);
    expect(answer).toMatchObject({ isOk: true, value: { total: 2, calls: [{ id: 'a' }] } });
    expect(logged).toEqual([]);
  });

  test.each(['', 'x', '{}', '{"query":"list_parked_calls"}'])('%j is refused', async (line) => {
    const { answer } = await asked(line);
    expect(answer).toMatchObject({ isOk: false, code: 'INPUT_INVALID' });
  });

  test('that is not known is refused: another version may know it', async () => {
    const { answer } = await asked(questionLine({ query: 'no_such', input: {} }));
    expect(answer).toMatchObject({ isOk: false, code: 'GATEWAY_OTHER_VERSION' });
  });

  test.each([{ limit: 0 }, { limit: 1_001 }, { limit: 'all' }, { other: 1 }])(
    'with the input %j is refused',
    async (input) => {
      const { answer } = await asked(parked(input));
      expect(answer).toMatchObject({ isOk: false, code: 'INPUT_INVALID' });
    },
  );

  test('whose answer is too large is told so', async () => {
    const asks = Array.from({ length: 16 }, () => '€'.repeat(256));
    const calls = Array.from({ length: 1_000 }, () => ({ ...CALL, asks }));
    const { answer } = await asked(parked(), () => calls);
    expect(answer).toMatchObject({ isOk: false, code: 'UPSTREAM_ANSWER_TOO_LARGE' });
  });

  test('that meets a defect is answered without its text, which the log has', async () => {
    const { answer, logged } = await asked(parked(), () => {
      throw new TypeError('inner workings');
    });
    expect(answer).toMatchObject({ isOk: false, code: 'GATEWAY_DEFECT' });
    expect(JSON.stringify(answer)).not.toContain('inner');
    expect(logged.join()).toMatch(/^defect_in_query.*list_parked_calls.*inner workings/);
  });
});
