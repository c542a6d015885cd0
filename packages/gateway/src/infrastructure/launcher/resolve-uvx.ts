import path from 'node:path';
import { isExecutableFile } from './executable.ts';
import type { ResolveContext, ResolvedCommand } from './resolve-command.ts';

/** A plain package name: no flag, version, extra, URL or path. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * `uvx NAME` runs an installed tool of that name if there is one (`uv tool install`), and so do we.
 * What uv keeps in its cache is left to uv: those environments have no stable place.
 */
export const resolveUvx = async (
  uvx: ResolvedCommand,
  context: ResolveContext,
): Promise<ResolvedCommand | undefined> => {
  const [name, ...args] = uvx.args;
  const folder = toolFolder(context.env);
  if (name === undefined || folder === undefined || !PLAIN_NAME.test(name)) return undefined;
  // Folders carry the normalized name (PEP 503), executables the written one.
  const normalized = name.toLowerCase().replaceAll(/[-_.]+/g, '-');
  const file = path.join(folder, normalized, 'bin', name);
  return (await isExecutableFile(file)) ? { file, args, via: 'uvx' } : undefined;
};

const toolFolder = (env: Readonly<Record<string, string>>): string | undefined => {
  const explicit = env['UV_TOOL_DIR'];
  if (explicit !== undefined) return explicit;
  const data = env['XDG_DATA_HOME'] ?? (env['HOME'] && path.join(env['HOME'], '.local/share'));
  return data === undefined || data === '' ? undefined : path.join(data, 'uv/tools');
};
