import { open } from 'node:fs/promises';

import { err, ok, type Result } from '@mcp-hangar/kernel/result';

import type { ConfigProblem } from './problem.ts';

/** Largest configuration that is read. Bytes. */
const CONFIG_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The text of a configuration file. Refuses what cannot be opened, is too large or is not UTF-8.
 *
 * @param keepsMark a byte order mark stays in the text, for who writes the file again
 */
export async function readConfigText(
  path: string,
  { keepsMark = false }: { readonly keepsMark?: boolean } = {},
): Promise<Result<string, ConfigProblem>> {
  const refused = (message: string, fix: string): Result<never, ConfigProblem> =>
    err({ file: path, line: undefined, column: undefined, path: '', message, fix });
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(path);
  } catch (error) {
    const [message, fix] = explain(errorCode(error));
    return refused(message, fix);
  }
  if (bytes.byteLength > CONFIG_BYTES_MAX) {
    return refused('the file is larger than 4 MiB', 'check that this is the configuration');
  }
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepsMark }).decode(bytes));
  } catch {
    // The decoder has one reason to throw.
    return refused('the file is not UTF-8 text', 'save it as UTF-8');
  }
}

/** One byte more than allowed is enough to know; a pipe has no size to ask for. */
async function readBounded(path: string): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const buffer = new Uint8Array(CONFIG_BYTES_MAX + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.byteLength - length);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.byteLength) return buffer.subarray(0, length);
  }
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}

function explain(code: string): readonly [message: string, fix: string] {
  switch (code) {
    case 'ENOENT':
      return ['there is no such file (ENOENT)', 'check the path'];
    case 'EACCES':
    case 'EPERM':
      return [`the file may not be read (${code})`, 'allow this user to read it'];
    case 'EISDIR':
      return ['this is a directory (EISDIR)', 'name the file in it'];
    default:
      return [`the file cannot be read (${code})`, 'check the path and the file system'];
  }
}
