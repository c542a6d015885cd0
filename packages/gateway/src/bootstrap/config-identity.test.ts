import { expect, test } from 'vitest';
import { configDigest, defaultStateFolder } from './config-identity.ts';

const ENV = { HOME: '/home/u', A: '1', B: '2' };
const digest = (text: string | undefined, env = {}, path = '/c/config.yaml'): string =>
  configDigest(text, text === undefined ? undefined : path, { ...ENV, ...env });

test('equal configurations have equal digests, whatever else is in the environment', () => {
  expect(digest('a: ${A}')).toBe(digest('a: ${A}', { B: '3', C: '4' }));
  expect(digest(undefined)).toBe(digest(undefined, { A: '9' }));
});

test.each([
  ['another text', digest('a: ${A} ')],
  ['another value of a variable', digest('a: ${A}', { A: '2' })],
  ['a variable that is empty', digest('a: ${A}', { A: '' })],
  ['a variable that is not set', digest('a: ${A}', { A: undefined })],
  ['another folder for relative paths', digest('a: ${A}', {}, '/d/config.yaml')],
  ['another home', digest('a: ${A}', { HOME: '/home/v' })],
])('%s makes another digest', (_what, other) => {
  expect(other).not.toBe(digest('a: ${A}'));
});

test('no file is not an empty file', () => {
  expect(digest(undefined)).not.toBe(digest(''));
});

test('the value of a variable cannot pass for another variable', () => {
  expect(digest('${A}${B}', { A: '1"],["B","2', B: '' })).not.toBe(digest('${A}${B}'));
});

test('the folder is below XDG_STATE_HOME where that is absolute, else in the home', () => {
  expect(defaultStateFolder('c', { ...ENV, XDG_STATE_HOME: '/x' })).toBe('/x/mcp-hangar/c');
  const inHome = '/home/u/.local/state/mcp-hangar/c';
  expect(defaultStateFolder('c', { ...ENV, XDG_STATE_HOME: 'x' })).toBe(inHome);
  expect(defaultStateFolder('c', ENV)).toBe(inHome);
  expect(defaultStateFolder('c', { HOME: '' })).toBeUndefined();
});
