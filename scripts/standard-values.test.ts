import { expect, test } from 'vitest';
import {
  STANDARD_DOCUMENT,
  STANDARD_ENTRY,
  VARIABLES,
} from '../packages/gateway/src/bootstrap/config/standard-values.ts';
import { standardValues } from './standard-values.ts';

test('a start fills in what the schema of the configuration would', () => {
  const { document, entry, variables } = standardValues();
  expect(STANDARD_DOCUMENT).toEqual(document);
  expect(STANDARD_ENTRY).toEqual(entry);
  expect(VARIABLES).toEqual(variables);
});
