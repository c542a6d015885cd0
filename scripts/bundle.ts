// Puts what the gateway loads at start into a few files. Hundreds of modules take longer to find and link than to
// run: every AI client starts a gateway of its own and waits for it (docs/adr/0011).
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { ROOT } from './run-command.ts';

const dist = join(ROOT, 'packages', 'gateway', 'dist');
const target = join(dist, 'bundle');

const build = await rolldown({
  input: {
    main: join(dist, 'bootstrap', 'main.js'),
    // A worker is a file of its own, which the writer of the event log looks for beside itself.
    'sqlite-worker': join(ROOT, 'packages', 'eventing', 'dist', 'sqlite-worker.js'),
  },
  platform: 'node',
  external: [/^node:/],
  resolve: { conditionNames: ['import', 'node', 'default'] },
});
rmSync(target, { recursive: true, force: true });
await build.write({
  dir: target,
  format: 'esm',
  minify: { compress: true, mangle: false, codegen: true },
  sourcemap: false,
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
});
await build.close();
