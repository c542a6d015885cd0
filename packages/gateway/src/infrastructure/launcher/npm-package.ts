import { open, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { once } from '@mcp-hangar/kernel/once';
import { z } from 'zod';
import { findExecutable, isExecutableFile, pathFolders } from './executable.ts';
import type { ResolveContext } from './resolve-command.ts';

const manifestSchema = once(() =>
  z.object({
    name: z.string(),
    version: z.string(),
    bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
  }),
);
type Manifest = z.infer<ReturnType<typeof manifestSchema>>;

/** The longest first line that is looked at; the kernel reads no more than 256 bytes of it either. */
const SHEBANG_BYTES = 256;
/** `node` without flags, wherever it is. */
const NODE_SHEBANG = /^#!\s*(?:\/\S*\/env\s+)?(?:\/\S*\/)?node\s*$/;

/** The manifest of the package in a folder; undefined where there is none that can be read. */
export const readManifest = async (folder: string): Promise<Manifest | undefined> => {
  try {
    const text = await readFile(path.join(folder, 'package.json'), 'utf8');
    return manifestSchema().safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

/** The executables of a package by name; a single one is called like the package without its scope. */
export const binsOf = (manifest: Manifest): Readonly<Record<string, string>> => {
  if (typeof manifest.bin !== 'string') return manifest.bin ?? {};
  return { [unscoped(manifest.name)]: manifest.bin };
};

/** The executable that `npx PACKAGE` runs, by the rule of npm's `get-bin-from-manifest.js`. */
export const defaultBin = (manifest: Manifest): string | undefined => {
  const bins = binsOf(manifest);
  if (new Set(Object.values(bins)).size === 1) return Object.values(bins)[0];
  return bins[unscoped(manifest.name)];
};

const unscoped = (name: string): string => name.replace(/^@[^/]+\//, '');

/**
 * How to run an executable of a package as one process: Node with the file where its first line asks
 * for Node (so that neither PATH nor the file's mode matters), the file itself where it can be run.
 */
export const runnable = async (
  file: string,
  context: ResolveContext,
): Promise<{ readonly file: string; readonly args: readonly string[] } | undefined> => {
  const real = await realpath(file);
  const firstLine = await readFirstLine(real);
  if (NODE_SHEBANG.test(firstLine)) return { file: await nodeFor(context), args: [real] };
  // The kernel passes over a text file without a first line like this one; only a shell would run it.
  const canRun = process.platform !== 'win32' && /^(?:#!|\u007fELF)/.test(firstLine);
  return canRun && (await isExecutableFile(real)) ? { file: real, args: [] } : undefined;
};

/** The `node` that the child would find, or ours. */
export const nodeFor = async (context: ResolveContext): Promise<string> => {
  const folders = pathFolders(context.env, context.cwd);
  return (await findExecutable('node', folders, context.env)) ?? process.execPath;
};

const readFirstLine = async (file: string): Promise<string> => {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(SHEBANG_BYTES), 0, SHEBANG_BYTES, 0);
  const [line = ''] = buffer.toString('latin1', 0, bytesRead).split('\n');
  return line;
};
