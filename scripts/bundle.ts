// Puts what the gateway loads at start into a few files. Hundreds of modules take longer to find and link than to
// run: every AI client starts a gateway of its own and waits for it (docs/adr/0011).
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  rolldown,
  type ChunkingContext,
  type CodeSplittingGroup,
  type InputOptions,
  type OutputOptions,
  type Plugin,
} from 'rolldown';
import * as z from 'zod';
import { writePublicTypes, type SchemaNode } from './public-types.ts';
import { ROOT } from './run-command.ts';
import { licencesText } from './third-party.ts';

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

/**
 * One character beyond ASCII makes V8 keep the whole file at two bytes a character, and read it slowly. Escaped, it
 * means the same in texts and regular expressions, the only places where the bundle has any.
 */
const onlyAscii: Plugin = {
  name: 'only-ascii',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk') continue;
      if (/\\[^\0-\x7f]/.test(file.code)) throw new Error(`an escape in the way: ${file.fileName}`);
      file.code = file.code.replaceAll(/[^\0-\x7f]/g, escaped);
    }
  },
};

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Parts of a library that the gateway has no use for, and that would load more of Node than all the rest of it. */
const UNUSED = /[\\/](?:pino[\\/]lib[\\/]transport|sonic-boom[\\/]index)\.js$/;

const withoutUnused: Plugin = {
  name: 'without-unused',
  load: {
    filter: { id: UNUSED },
    handler: () => "module.exports = function () { throw new Error('not part of the bundle'); };",
  },
};

const bootstrap = (...path: readonly string[]): string => join(dist, 'bootstrap', ...path);
const eventing = (name: string): string => join(ROOT, 'packages', 'eventing', 'dist', name);

/**
 * What is loaded together is one file: each further one costs half a millisecond of every start. A module belongs to
 * the first of these that needs it; what none of them needs is cut by who imports it.
 */
const CHUNKS: Readonly<Record<string, readonly string[]>> = {
  // What the command itself shares with the gateway stands here, too: it must not load a gateway for it.
  serve: [bootstrap('serve.js'), bootstrap('version.js')],
  config: [bootstrap('config', 'load-config.js')],
  gateway: [bootstrap('serve-gateway.js'), eventing('sqlite-event-store.js')],
};

/** Every module that is there once `roots` are loaded. */
function loadedWith(roots: readonly string[], context: ChunkingContext): Set<string> {
  const all = new Set(roots);
  for (const id of all)
    for (const next of context.getModuleInfo(id)?.importedIds ?? []) all.add(next);
  return all;
}

function chunkGroup([name, roots]: readonly [string, readonly string[]]): CodeSplittingGroup {
  let members: ReadonlySet<string> | undefined;
  const belongs = (id: string, context: ChunkingContext): boolean =>
    (members ??= loadedWith(roots, context)).has(id);
  return { debugName: name, name: (id, context) => (belongs(id, context) ? name : null) };
}

const shared: InputOptions = {
  plugins: [lazyBuiltins, withoutUnused, onlyAscii],
  platform: 'node',
  external: [/^node:/],
  // `main` of jsonc-parser asks for its parts in a way that no bundler follows.
  // `import` and `require` as a condition are added by who asks: pg-pool is something else for each of them.
  resolve: { conditionNames: ['node', 'default'], mainFields: ['module', 'main'] },
};

async function bundle(
  input: Readonly<Record<string, string>>,
  output: OutputOptions,
): Promise<readonly string[]> {
  const build = await rolldown({ ...shared, input: { ...input } });
  const written = await build.write({
    dir: target,
    format: 'esm',
    minify: true,
    sourcemap: false,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    ...output,
  });
  await build.close();
  return written.output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
}

rmSync(target, { recursive: true, force: true });
const modules = [
  ...(await bundle(
    {
      main: bootstrap('main.js'),
      // What `import { Hangar } from 'mcp-hangar'` loads.
      hangar: bootstrap('embedding', 'hangar.js'),
    },
    { codeSplitting: { groups: Object.entries(CHUNKS).map(chunkGroup) } },
  )),
  // A worker is a file of its own, which the writer of the event log looks for beside itself. It shares nothing:
  // a thread loads what it needs and no more.
  ...(await bundle({ 'sqlite-worker': eventing('sqlite-worker.js') }, {})),
];
writeFileSync(join(target, 'THIRD-PARTY.txt'), licencesText(modules));

// What the compiler has just made, not the sources: the types describe what is in the bundle.
const built = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
const schema = await built(join(dist, 'bootstrap', 'config', 'schema.js'));
const catalogue = await built(join(ROOT, 'packages', 'kernel', 'dist', 'error-catalogue.js'));
const { configDocument } = schema as { configDocument: () => z.ZodType };
writePublicTypes(join(dist, 'bootstrap', 'embedding'), join(target, 'types'), {
  // JSON Schema is data; SchemaNode names what is read of it.
  config: z.toJSONSchema(configDocument(), { io: 'input' }) as SchemaNode,
  codes: Object.keys((catalogue as { ERRORS: Readonly<Record<string, unknown>> }).ERRORS),
});
