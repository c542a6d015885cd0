// Puts what the gateway loads at start into a few files. Hundreds of modules take longer to find and link than to
// run: every AI client starts a gateway of its own and waits for it (docs/adr/0011).
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { ROOT } from './run-command.ts';

const dist = join(ROOT, 'packages', 'gateway', 'dist');
const target = join(dist, 'bundle');

/**
 * `import` of a module of Node reads every member that it has, and some of them load whole subsystems: an HTTP client,
 * the web's cryptography. Asked for by name, only what is used is loaded.
 */
const BUILTIN_IMPORT = /import\s*([^;"']*?)\s*from\s*["'](node:[\w/]+)["'];?/g;

const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  renderChunk: (code) =>
    code.replace(BUILTIN_IMPORT, (_, names: string, id: string) => builtin(names, id)),
};

/** `a, { b as c }` and `* as a` as they are written in an import. */
function builtin(names: string, id: string): string {
  const from = `process.getBuiltinModule(${JSON.stringify(id)})`;
  const [, whole, members] =
    /^(?:\*\s*as\s+)?([\w$]+)?\s*,?\s*(?:\{([^}]*)\})?$/.exec(names.trim()) ?? [];
  if (whole === undefined && members === undefined) throw new Error(`cannot read import ${names}`);
  const parts = [
    ...(whole === undefined ? [] : [whole]),
    ...(members === undefined ? [] : [`{${members.replaceAll(/\s+as\s+/g, ':')}}`]),
  ];
  return parts.map((part) => `const ${part}=${from};`).join('');
}

const build = await rolldown({
  plugins: [lazyBuiltins],
  input: {
    main: join(dist, 'bootstrap', 'main.js'),
    // A worker is a file of its own, which the writer of the event log looks for beside itself.
    'sqlite-worker': join(ROOT, 'packages', 'eventing', 'dist', 'sqlite-worker.js'),
  },
  platform: 'node',
  external: [/^node:/],
  // `main` of jsonc-parser asks for its parts in a way that no bundler follows.
  resolve: { conditionNames: ['import', 'node', 'default'], mainFields: ['module', 'main'] },
});
rmSync(target, { recursive: true, force: true });
await build.write({
  dir: target,
  format: 'esm',
  minify: true,
  sourcemap: false,
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
});
await build.close();
