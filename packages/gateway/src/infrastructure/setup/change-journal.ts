/**
 * Changes of files that can be taken back. A run is a folder below the given one:
 *
 *   empty ──> copies of the old files ──> `journal.json` ──> the files are replaced, one by one
 *
 * 1. No file is touched before the journal says what it was and what it is to be.
 * 2. A run without a journal has changed nothing.
 * 3. Whatever moment a run ends at, `undoNewest` finds each file as it was or as it was to be, or says that somebody
 *    else has changed it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { z } from 'zod';
import { removeDeadTurn, replaceFile } from '../files/replace-file.ts';
import { lookAt, preparePrivateFolder } from '../state/state-folder.ts';

const RUNS_MAX = 20;
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const PERMISSIONS = 0o7777;
const JOURNAL = 'journal.json';

export interface Change {
  readonly path: string;
  /** As it was read; undefined: there was no file. */
  readonly before: string | undefined;
  readonly after: string;
  /** Nobody else may read it afterwards. */
  readonly isPrivate?: boolean;
  /** Nobody wants to read it. */
  readonly isGenerated?: boolean;
}

const Journal = z.object({
  version: z.literal(1),
  made_at: z.string(),
  command: z.string(),
  files: z.array(
    z.object({
      path: z.string(),
      before: z
        .object({ copy: z.string().regex(/^\d+\.copy$/), sha256: z.string(), mode: z.number() })
        .nullable(),
      after: z.string(),
      /** The inner ones first. */
      new_folders: z.array(z.string()),
    }),
  ),
});
type Journal = z.infer<typeof Journal>;
type JournalFile = Journal['files'][number];

/**
 * Writes all changes, the journal first.
 * @throws Fault FILE_CHANGED, FILE_NOT_WRITTEN, STATE_UNAVAILABLE; what was written until then can be undone
 */
export async function applyChanges(
  folder: string,
  changes: readonly Change[],
  { command, madeAt }: { readonly command: string; readonly madeAt: string },
): Promise<void> {
  const run = await inState(() => newRun(folder));
  const files: JournalFile[] = [];
  for (const [index, change] of changes.entries())
    files.push(await inState(() => record(run, index, change)));
  const journal: Journal = { version: 1, made_at: madeAt, command, files };
  await inState(() => store(join(run, JOURNAL), `${JSON.stringify(journal, undefined, 2)}\n`));
  for (const { path, before, after, isPrivate } of changes) {
    // Before, as the new one gets the mode of the old one.
    if (isPrivate === true && before !== undefined) await chmod(path, PRIVATE_FILE);
    await replaceFile(path, after, { expectedOld: before });
  }
  await inState(() => removeOld(folder));
}

async function record(run: string, index: number, change: Change): Promise<JournalFile> {
  const { before, after } = change;
  // Behind a link stands the file that changes.
  const path = before === undefined ? change.path : await realpath(change.path);
  const common = { path, after: digest(after), new_folders: missingFolders(dirname(path)) };
  if (before === undefined) return { ...common, before: null };
  const copy = `${index}.copy`;
  await store(join(run, copy), before);
  const mode = (await stat(path)).mode & PERMISSIONS;
  return { ...common, before: { copy, sha256: digest(before), mode } };
}

export interface Undone {
  readonly command: string;
  readonly madeAt: string;
  /** Those that were different from what they are now. */
  readonly files: readonly string[];
}

/**
 * Takes the newest run back; undefined where there is none.
 * @throws Fault FILE_CHANGED where a file is neither what it was nor what the run has made of it, unless forced; then
 * nothing is changed
 */
export async function undoNewest(
  folder: string,
  { isForced }: { readonly isForced: boolean },
): Promise<Undone | undefined> {
  const found = await inState(() => newestRun(folder));
  if (found === undefined) return undefined;
  const { run, journal } = found;
  const states = await Promise.all(journal.files.map((file) => stateOf(file)));
  const foreign = journal.files.filter((_, index) => states[index] === 'foreign');
  if (foreign.length > 0 && !isForced) throw changedSince(foreign.map(({ path }) => path));
  const files: string[] = [];
  for (const [index, file] of [...journal.files.entries()].toReversed()) {
    if (states[index] === 'before') continue;
    await restore(run, file);
    files.push(file.path);
  }
  for (const { path } of journal.files) await removeLeftovers(path);
  for (const file of journal.files) for (const made of file.new_folders) await removeEmpty(made);
  await inState(() => rm(run, { recursive: true, force: true }));
  return { command: journal.command, madeAt: journal.made_at, files: files.toReversed() };
}

async function stateOf(file: JournalFile): Promise<'before' | 'after' | 'foreign'> {
  const text = await currentText(file.path);
  const sha256 = text === undefined ? undefined : digest(text);
  if (sha256 === file.before?.sha256) return 'before';
  return sha256 === file.after ? 'after' : 'foreign';
}

async function restore(run: string, { path, before }: JournalFile): Promise<void> {
  if (before === null) return rm(path, { force: true });
  const text = await readFile(join(run, before.copy), 'utf8');
  const current = await currentText(path);
  await replaceFile(path, text, { expectedOld: current });
  await chmod(path, before.mode);
}

/** What a writer that was killed has left beside its file. */
async function removeLeftovers(path: string): Promise<void> {
  await removeDeadTurn(path);
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const start = `.${basename(path)}.`;
  for (const name of names)
    if (name.startsWith(start) && name.endsWith('.tmp'))
      await rm(join(folder, name), { force: true });
}

/** Only an empty one goes. */
const removeEmpty = (folder: string): Promise<void> => rmdir(folder).catch(() => undefined);

async function currentText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Fault('FILE_NOT_WRITTEN', `cannot restore ${path}: ${messageOf(error)}`, {
      data: { fix: 'let this user read and write it, and try again' },
      cause: error,
    });
  }
}

function changedSince(paths: readonly string[]): Fault {
  const what = paths.length === 1 ? `${paths[0]} was` : `${paths.join(', ')} were`;
  return new Fault('FILE_CHANGED', `${what} changed since; nothing was restored`, {
    data: {
      fix: '--force restores all the same and loses that change; mcp-hangar connect CLIENT --remove takes out our entry only',
      files: paths,
    },
  });
}

async function newRun(folder: string): Promise<string> {
  preparePrivateFolder(folder);
  for (let number = ((await runsIn(folder)).at(-1) ?? 0) + 1; ; number += 1) {
    const run = join(folder, String(number));
    try {
      await mkdir(run, { mode: PRIVATE_FOLDER });
      return run;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

/** Numbers, the newest last. */
async function runsIn(folder: string): Promise<readonly number[]> {
  if (!existsSync(folder)) return [];
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d{1,9}$/.test(name))
    .map(Number)
    .toSorted((left, right) => left - right);
}

async function newestRun(
  folder: string,
): Promise<{ readonly run: string; readonly journal: Journal } | undefined> {
  // What others can write there could make us write anything anywhere.
  if (lookAt(folder) !== undefined) preparePrivateFolder(folder);
  for (const number of (await runsIn(folder)).toReversed()) {
    const run = join(folder, String(number));
    const path = join(run, JOURNAL);
    if (existsSync(path))
      return { run, journal: Journal.parse(JSON.parse(await readFile(path, 'utf8'))) };
    await rm(run, { recursive: true, force: true });
  }
  return undefined;
}

async function removeOld(folder: string): Promise<void> {
  const runs = await runsIn(folder);
  for (const number of runs.slice(0, Math.max(0, runs.length - RUNS_MAX)))
    await rm(join(folder, String(number)), { recursive: true, force: true });
}

/** Whole or not at all, and on the disk. */
async function store(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  {
    await using file = await open(temporary, 'w', PRIVATE_FILE);
    await file.writeFile(text);
    await file.sync();
  }
  await rename(temporary, path);
}

function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  return missing;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

async function inState<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Fault(
      'STATE_UNAVAILABLE',
      `cannot keep what is needed to undo: ${messageOf(error)}`,
      {
        data: { fix: 'check the folder, or name another one by --state-dir' },
        cause: error,
      },
    );
  }
}
