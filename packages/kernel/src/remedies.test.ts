import { expect, test } from 'vitest';
import { ERRORS } from './error-catalogue.ts';
import { isErrorCode } from './errors.ts';
import { REMEDIES } from './remedies.ts';

const CHARS_MAX = 120;

test('every error says in one sentence of its own what to do', () => {
  expect(Object.keys(REMEDIES)).toEqual(Object.keys(ERRORS));
  const bad = Object.entries(REMEDIES).filter(
    ([code, remedy]) =>
      !/^[A-Z].+\.$/.test(remedy) ||
      /\. [A-Z]/.test(remedy) ||
      remedy.length > CHARS_MAX ||
      (isErrorCode(code) && remedy === ERRORS[code].title),
  );
  expect(bad).toEqual([]);
});
