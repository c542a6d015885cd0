import { defineConfig } from 'vitest/config';

// Three projects, by what a test needs: nothing (`unit`), real sockets and processes (`integration`),
// the built gateway as a whole (`e2e`). `source` makes `@mcp-hangar/kernel/x` mean
// `packages/kernel/src/x.ts`, so the first two need no build.
const conditions = ['source', 'module', 'node', 'development|production'];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: ['source'] } };
// Real processes on a busy CI machine get a second try; scripts/flaky-tests.ts names the tests that needed it.
const retry = process.env['CI'] === 'true' ? 1 : 0;
const exclude = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    pool: 'forks',
    teardownTimeout: 20_000,
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [...exclude, '**/*.int.test.ts'],
          testTimeout: 10_000, // property tests on a machine that is busy
          hookTimeout: 5_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'integration',
          include: ['packages/**/*.int.test.ts', 'scripts/**/*.int.test.ts', 'fuzz/**/*.test.ts'],
          exclude,
          testTimeout: 20_000,
          hookTimeout: 20_000,
          retry,
        },
      },
      {
        // It runs what is built, and packages of others have a `source` of their own.
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude,
          // Each file runs a gateway with its servers: more than two at a time measure the machine.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry,
        },
      },
    ],
  },
});
