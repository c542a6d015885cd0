import { expect, test } from 'vitest';
import { packageFolders } from './third-party.ts';

test('the packages of bundled modules are named once, with and without a scope, at any depth', () => {
  expect(
    packageFolders([
      '/r/packages/gateway/dist/main.js',
      '/r/node_modules/zod/v4/index.js',
      '/r/node_modules/zod/index.js',
      '/r/node_modules/@a/b/x.js',
      '/r/packages/gateway/node_modules/undici/index.js',
      '\0rolldown/runtime.js',
    ]),
  ).toEqual([
    '/r/node_modules/@a/b',
    '/r/node_modules/zod',
    '/r/packages/gateway/node_modules/undici',
  ]);
});
