/** The file of variables that a configuration names by `env_file`, read before the configuration is understood. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve as resolvePath } from 'node:path';
import { parseEnvFile } from '../../domain/setup/env-file.ts';
import type { Environment } from './interpolate.ts';
import type { ConfigProblem } from './problem.ts';

/** Largest file of variables that is read. Bytes. */
const ENV_FILE_BYTES_MAX = 1024 * 1024;

export interface EnvFile {
  /** What stands behind `env_file`; undefined where there is none. */
  readonly written: string | undefined;
  readonly variables: Environment;
  readonly problems: readonly ConfigProblem[];
}

export const NO_ENV_FILE: EnvFile = { written: undefined, variables: {}, problems: [] };

/** A line of its own, at the top level: a gateway that only bridges to another one parses no YAML. */
const LINE =
  /^(?:env_file|"env_file"|'env_file')[ \t]*:[ \t]+(?:"([^"\\\r\n]*)"|'([^'\r\n]*)'|([^\s"'#&*!|>{[][^\r\n]*?))[ \t]*(?:[ \t]#[^\r\n]*)?\r?$/m;

/** What `env_file` names, without understanding the rest. */
export function writtenEnvFile(text: string): string | undefined {
  if (!text.includes('env_file')) return undefined;
  const plainText = text.replace(/^\uFEFF/, '');
  if (plainText.trimStart().startsWith('{')) return inJson(plainText);
  const [, double, single, plain] = LINE.exec(plainText) ?? [];
  return double ?? single ?? plain;
}

function inJson(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const value =
      typeof document === 'object' && document !== null && 'env_file' in document
        ? document.env_file
        : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // what is wrong is told when it is loaded
  }
}

/** Never rejects: what is wrong with the file is in `problems`. @param path of the configuration */
export async function readEnvFile(path: string, text: string): Promise<EnvFile> {
  const written = writtenEnvFile(text);
  if (written === undefined) return NO_ENV_FILE;
  const file = envFilePath(path, written);
  const problem = (message: string, fix: string, line?: number): ConfigProblem => ({
    file,
    line,
    column: line === undefined ? undefined : 1,
    path: '',
    message,
    fix,
  });
  const failed = (...problems: readonly ConfigProblem[]): EnvFile => ({
    written,
    variables: {},
    problems,
  });
  const read = await readPrivate(file);
  if (typeof read !== 'string') return failed(problem(...read.refused));
  const parsed = parseEnvFile(read);
  if (parsed.ok) return { written, variables: parsed.value, problems: [] };
  const fix = 'write NAME=value, with quotes around a value of several words';
  return failed(...parsed.error.map(({ line, message }) => problem(message, fix, line)));
}

/** Absolute. */
export function envFilePath(configPath: string, written: string): string {
  const expanded = /^~[\\/]/.test(written) ? join(homedir(), written.slice(2)) : written;
  return resolvePath(dirname(configPath), expanded);
}

interface Refused {
  readonly refused: readonly [message: string, fix: string];
}

async function readPrivate(path: string): Promise<string | Refused> {
  try {
    // Opening a pipe would wait for somebody to write.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const about = await file.stat();
    if (!about.isFile())
      return { refused: ['env_file is no regular file', 'name a file of NAME=value lines'] };
    // Windows has no such bits; the profile of a user is closed to others there.
    if (process.platform !== 'win32' && (about.mode & 0o077) !== 0)
      return { refused: ['other users can read this env_file', `type: chmod 600 ${path}`] };
    if (about.size > ENV_FILE_BYTES_MAX)
      return {
        refused: ['the env_file is larger than 1 MiB', 'check that this is the right file'],
      };
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT')
      return { refused: ['there is no such env_file (ENOENT)', 'create it, or remove env_file'] };
    return {
      refused: [`the env_file cannot be read (${code})`, 'check its path, mode and encoding'],
    };
  }
}
