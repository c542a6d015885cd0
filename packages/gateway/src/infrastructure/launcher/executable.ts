import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';

/** What execvp uses when there is no PATH at all. */
const DEFAULT_PATH = '/usr/bin:/bin';

/** The folders of a PATH in their order; relative ones count from the child's working directory. */
export const pathFolders = (
  env: Readonly<Record<string, string>>,
  cwd: string | undefined,
): readonly string[] =>
  searchPath(env)
    .split(path.delimiter)
    .map((folder) => path.resolve(cwd ?? '.', folder));

/** The PATH that a child with this environment searches. */
export const searchPath = (env: Readonly<Record<string, string>>): string =>
  env['PATH'] ?? env['Path'] ?? (path.delimiter === ';' ? '' : DEFAULT_PATH);

/** Whether the path names a file that may be executed. */
export const isExecutableFile = async (file: string): Promise<boolean> => {
  try {
    if (!(await stat(file)).isFile()) return false;
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first executable called `name` in the folders. */
export const findExecutable = async (
  name: string,
  folders: Iterable<string>,
  env: Readonly<Record<string, string>> = {},
): Promise<string | undefined> => {
  for (const folder of folders) {
    for (const extension of extensions(name, env)) {
      const file = path.join(folder, name + extension);
      if (await isExecutableFile(file)) return file;
    }
  }
  return undefined;
};

/** Windows looks for a name with each ending of PATHEXT; `.cmd` files need a shell and are left out. */
const extensions = (name: string, env: Readonly<Record<string, string>>): readonly string[] => {
  if (path.delimiter !== ';' || path.extname(name) !== '') return [''];
  const known = (env['PATHEXT'] ?? '.EXE;.COM').split(';');
  return known.filter((extension) => /^\.(exe|com)$/i.test(extension));
};
