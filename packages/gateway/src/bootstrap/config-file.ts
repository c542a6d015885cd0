/** The configuration as a file that commands change: read, edited, checked by the loader, replaced as a whole. */
import { existsSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { replaceFile } from '../infrastructure/files/replace-file.ts';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { linesOf, unifiedDiff } from '../server/cli/unified-diff.ts';
import type { ConfigEdit } from './config/edit/config-edit.ts';
import { editConfig, writtenServers, type WrittenServer } from './config/edit/edit-config.ts';
import { type EnvFile, NO_ENV_FILE, readEnvFile } from './config/env-file.ts';
import { unsetVariable } from './config/interpolate.ts';
import { loadGatewayConfig } from './config/load-config.ts';
import { userConfigFile } from './config/locate.ts';
import type { ConfigProblem } from './config/problem.ts';
import { readConfigText } from './config/read-config-text.ts';
import { shownLines } from './config/redact.ts';
import { findConfig } from './find-config.ts';
import { configFault } from './outcome.ts';

/** Of an edit against what others write at the same time: many may start together, and one of them wins each time. */
const ATTEMPTS_MAX = 64;
/** Of all attempts; longer than the turn of a writer that was killed. */
const ATTEMPTS_MS_MAX = 15_000;
const MARK = '\uFEFF';
export const SCHEMA_FILE = 'config.schema.json';
const SCHEMA_LINE = `# yaml-language-server: $schema=./${SCHEMA_FILE}\n\n`;

export interface ChangeRequest {
  readonly flags: PlaceFlags;
  /** Where no file is found, one is made. */
  readonly mayCreate: boolean;
  readonly isDryRun: boolean;
  /** What to change, with what is there. @throws Fault where that is refused */
  readonly plan: (servers: readonly WrittenServer[], path: string) => readonly ConfigEdit[];
}

export interface ConfigChange {
  readonly path: string;
  readonly isNew: boolean;
  readonly isChanged: boolean;
  /** Between the file and what it would be, without secrets; empty where nothing changes. */
  readonly diff: string;
  /** Variables that the file refers to now, did not before, and that are not set here. */
  readonly unset: readonly string[];
  /** A gateway that serves it looks for changes of it. */
  readonly isWatched: boolean;
  /** Problems that the file had before, and still has. */
  readonly left: readonly ConfigProblem[];
}

/**
 * Changes the file that `serve` would use. What the loader refuses is not written, unless the file had that problem
 * before; a variable that is not set here is none.
 * @throws Fault CONFIG_INVALID, CONFIG_MISSING, FILE_CHANGED, FILE_NOT_WRITTEN, and what `plan` throws
 */
export async function changeConfig(request: ChangeRequest): Promise<ConfigChange> {
  const path = pathFor(request);
  const deadlineMs = performance.now() + ATTEMPTS_MS_MAX;
  for (let attempt = 1; ; attempt += 1) {
    const before = await textOf(path);
    const envFile = before === undefined ? NO_ENV_FILE : await readEnvFile(path, before);
    const draft = draftOf(request, { path, envFile }, before);
    if (request.isDryRun || !draft.change.isChanged) return draft.change;
    try {
      await replaceFile(path, draft.text, { expectedOld: before });
      return draft.change;
    } catch (error) {
      const isRace = error instanceof Fault && error.code === 'FILE_CHANGED';
      const isOver = attempt === ATTEMPTS_MAX || performance.now() > deadlineMs;
      if (!isRace || isOver) throw error;
    }
  }
}

/** Where a new file would get its schema from; undefined where there is a file of that name already. */
export function schemaFileFor(path: string): string | undefined {
  const schema = join(dirname(path), SCHEMA_FILE);
  return extname(path) === '.json' || existsSync(schema) ? undefined : schema;
}

/** @throws Fault CONFIG_MISSING */
function pathFor({ flags, mayCreate }: ChangeRequest): string {
  const named = flags.config ?? process.env['MCP_CONFIG'] ?? '';
  if (mayCreate && named !== '' && !existsSync(resolve(named))) return resolve(named);
  const { path } = findConfig(flags.config, 'CONFIG_MISSING');
  if (path !== undefined) return path;
  if (mayCreate) return userConfigFile(process.env);
  throw new Fault('CONFIG_MISSING', 'there is no configuration file', {
    data: { fix: 'name one with --config FILE; `mcp-hangar add` makes one' },
  });
}

/** With its byte order mark. @throws Fault CONFIG_MISSING */
async function textOf(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const text = await readConfigText(path, { keepsMark: true });
  if (!text.ok) throw configFault([text.error], 'CONFIG_MISSING', NOTHING_WRITTEN);
  return text.value;
}

const NOTHING_WRITTEN = 'nothing was written';

interface FilePlace {
  readonly path: string;
  readonly envFile: EnvFile;
}

interface Draft {
  readonly text: string;
  readonly change: ConfigChange;
}

/** @throws Fault CONFIG_INVALID */
function draftOf(request: ChangeRequest, place: FilePlace, before: string | undefined): Draft {
  const { path } = place;
  const mark = before?.startsWith(MARK) === true ? MARK : '';
  const old = before?.slice(mark.length) ?? '';
  const servers = writtenServers({ file: path, text: old });
  if (!servers.ok) throw configFault(servers.error, 'CONFIG_INVALID', NOTHING_WRITTEN);
  const edits = request.plan(servers.value, path);
  const isJson = extname(path) === '.json';
  const start = before === undefined ? (isJson ? '{}\n' : SCHEMA_LINE) : old;
  const edited = editConfig({ file: path, text: start }, edits);
  if (!edited.ok) throw configFault(edited.error, 'CONFIG_INVALID', NOTHING_WRITTEN);
  const now = edited.value;
  const { fresh, left, unset, isWatched } = judge(
    place,
    before === undefined ? undefined : old,
    now,
  );
  if (fresh.length > 0) throw configFault(fresh, 'CONFIG_INVALID', NOTHING_WRITTEN);
  const change = {
    path,
    isNew: before === undefined,
    isChanged: now !== old,
    diff: diffOf(path, before === undefined ? undefined : old, now),
    unset,
    isWatched,
    left,
  };
  return { text: mark + now, change };
}

interface Verdict {
  readonly fresh: readonly ConfigProblem[];
  readonly left: readonly ConfigProblem[];
  readonly unset: readonly string[];
  readonly isWatched: boolean;
}

/** What the loader says of a text that it did not say of the one before. */
function judge(place: FilePlace, old: string | undefined, now: string): Verdict {
  const loaded = loadGatewayConfig({ ...place, text: now, env: process.env });
  const problems = loaded.ok ? [] : loaded.error;
  const before = old === undefined ? [] : problemsOf(place, old);
  const known = new Set(before.map(nameOf));
  const oldUnset = new Set(before.map(unsetVariable));
  const unset = problems
    .map(unsetVariable)
    .filter((name) => name !== undefined)
    .filter((name) => !oldUnset.has(name));
  const others = problems.filter((problem) => unsetVariable(problem) === undefined);
  return {
    fresh: others.filter((problem) => !known.has(nameOf(problem))),
    left: others.filter((problem) => known.has(nameOf(problem))),
    unset: [...new Set(unset)],
    isWatched: !loaded.ok || loaded.value.reload.isWatched,
  };
}

function problemsOf(place: FilePlace, text: string): readonly ConfigProblem[] {
  const loaded = loadGatewayConfig({ ...place, text, env: process.env });
  return loaded.ok ? [] : loaded.error;
}

/** Its line may have moved. */
const nameOf = ({ path, message }: ConfigProblem): string => `${path}\n${message}`;

function diffOf(path: string, old: string | undefined, now: string): string {
  const side = (name: string, text: string): Parameters<typeof unifiedDiff>[0] => ({
    name,
    lines: linesOf(text),
    shown: shownLines(text).map((line) => line.replace(/\r$/, '')),
  });
  return unifiedDiff(side(old === undefined ? '/dev/null' : path, old ?? ''), side(path, now));
}
