import { expect, test } from 'vitest';
import { classifyFailure } from './call-failure.ts';

test.each([
  ['Division by zero', 'permanent: validation_error'],
  ['ValueError: x', 'permanent: validation_error'],
  ['Access denied to /etc', 'permanent: authorization_error'],
  ['HTTP 403 Forbidden', 'permanent: authorization_error'],
  ['No such file: a.txt', 'permanent: resource_error'],
  ['Tool not found: add', 'permanent: not_found_error'],
  ['SyntaxError: unexpected', 'permanent: configuration_error'],
  ['Connection refused by host', 'transient: connection refused'],
  ['no answer in 30 s', 'transient: no answer'],
  ['Request timeout', 'transient: timeout'],
  ['permission denied after a timeout', 'permanent: authorization_error'],
  ['it broke', 'unknown: unclassified error'],
])('%j is %s', (text, reason) => {
  expect(classifyFailure(text).reason).toBe(reason);
});

test('every class has a hint', () => {
  for (const text of ['division by zero', 'forbidden', 'no such file', 'not found', 'network', 'x'])
    expect(classifyFailure(text).recoveryHints.length).toBeGreaterThan(0);
});
