import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

const VALUE = 'hunter2-hunter2';
const secret = new Secret(VALUE);

test('gives its value only to whoever asks for it', () => {
  expect(secret.reveal()).toBe(VALUE);
});

test.each<[string, () => unknown]>([
  ['as text', () => String(secret)],
  ['in a template', () => `${String(secret)}`],
  ['in a sum', () => `Bearer ${secret.toString()}`],
  ['joined', () => [secret, secret].join(',')],
  ['as JSON', () => JSON.stringify({ secret, list: [secret] }, undefined, 2)],
  ['inspected', () => inspect(secret)],
  ['inspected inside', () => inspect({ a: [{ secret }] }, { depth: 9, showHidden: true })],
  ['formatted', () => format('%s %o %O %j', secret, secret, secret, secret)],
  ['copied', () => JSON.stringify(Object.assign({}, secret))],
  ['in its own names', () => Reflect.ownKeys(secret).concat(Object.keys(secret)).join()],
  ['cloned', () => inspect(structuredClone({ secret }))],
  ['as an error', () => inspect(new Error(`failed with ${secret.toString()}`))],
  ['as a cause', () => inspect(new Error('failed', { cause: secret }))],
])('never prints it: %s', (_how, print) => {
  expect(print()).not.toContain('hunter2');
});

test('prints what it is', () => {
  expect(JSON.stringify({ token: secret })).toBe('{"token":"[secret]"}');
  expect(inspect({ token: secret })).toBe('{ token: [secret] }');
});
