/** What servers are started with: which of it is here, and in which version. */
import { execFile } from 'node:child_process';
import { delimiter, dirname, isAbsolute } from 'node:path';
import { isExecutableFile } from '../launcher/executable.ts';
import { join } from 'node:path';

const VERSION_MS_MAX = 3_000;
const OUTPUT_BYTES_MAX = 16 * 1024;

export interface Runtime {
  readonly name: string;
  /** Undefined where it is not on the PATH. */
  readonly path: string | undefined;
  /** Undefined where it does not say. */
  readonly version: string | undefined;
}

const RUNTIMES = ['node', 'npx', 'uvx', 'python3', 'docker', 'podman'] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Asks each for its version, all at once, and waits for none longer than three seconds. */
export const findRuntimes = (env: Environment): Promise<readonly Runtime[]> =>
  Promise.all(
    RUNTIMES.map(async (name): Promise<Runtime> => {
      const path = await findProgram(name, env);
      if (path === undefined) return { name, path, version: undefined };
      return { name, path, version: await versionOf(path, env) };
    }),
  );

/** The first program of this name on the PATH. */
export async function findProgram(name: string, env: Environment): Promise<string | undefined> {
  const endings = delimiter === ';' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    for (const ending of endings) {
      const file = join(folder, name + ending);
      if (await isExecutableFile(file)) return file;
    }
  }
  return undefined;
}

/** `Docker version 27.3.1, build …` becomes `27.3.1`. */
function versionOf(path: string, env: Environment): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = {
      env,
      timeout: VERSION_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
      killSignal: 'SIGKILL',
      shell: /\.(?:cmd|bat)$/i.test(path),
    } as const;
    execFile(path, ['--version'], options, (error, stdout) =>
      resolve(error === null ? /\d+(?:\.\d+)+/.exec(stdout)?.[0] : undefined),
    );
  });
}

const SYSTEM_FOLDERS: ReadonlySet<string> = new Set([
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
]);

/**
 * The PATH that a program of the desktop needs to start what a shell of this user can start; undefined where it has
 * all that without being told.
 */
export function pathForDesktop(
  runtimes: readonly Runtime[],
  env: Environment,
  platform: string,
): string | undefined {
  if (platform === 'win32') return undefined;
  const wanted = new Set(
    runtimes.flatMap(({ path }) => (path === undefined ? [] : [dirname(path)])),
  );
  // A relative folder means another one in every client.
  const own = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && wanted.has(folder));
  if (own.every((folder) => SYSTEM_FOLDERS.has(folder))) return undefined;
  return [...new Set([...own, ...SYSTEM_FOLDERS])].join(delimiter);
}
