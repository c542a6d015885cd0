/** `add`, `remove`, `enable`, `disable`: changes of the configuration file. */
import { statSync } from 'node:fs';
import { Fault } from '@mcp-hangar/kernel/errors';
import { nearest } from '../../domain/near-names.ts';
import { replaceFile } from '../../infrastructure/files/replace-file.ts';
import type { AddFlags, EditFlags } from '../../server/cli/commands/edit.ts';
import {
  EditReport,
  editText,
  gatewayText,
  type EditAction,
} from '../../server/cli/edit-report.ts';
import { changeConfig, schemaFileFor, SCHEMA_FILE, type ConfigChange } from '../config-file.ts';
import type { WrittenServer } from '../config/edit/edit-config.ts';
import { isInlineSecret, shown } from '../config/redact.ts';
import { schemaText } from '../config/schema-text.ts';
import { readerOf } from '../ask-gateway.ts';
import { print, say } from '../say.ts';
import { serverToAdd } from './server-to-add.ts';

type Row = EditReport['servers'][number];

/** Adds a server. Answers the exit code. @throws Fault */
export async function add(id: string, target: readonly string[], flags: AddFlags): Promise<number> {
  let action: EditAction = 'added';
  const notes: string[] = [];
  const change = await changeConfig({
    flags,
    mayCreate: true,
    isDryRun: flags.dryRun === true,
    plan: (servers, path) => {
      const isTaken = servers.some((server) => server.id === id);
      if (isTaken && flags.force !== true) throw taken(id, path);
      action = isTaken ? 'replaced' : 'added';
      const made = serverToAdd(id, target, flags, path);
      notes.splice(0, notes.length, ...made.notes, ...secretNotes(target, flags, path));
      return [{ kind: 'set', id, server: made.server }];
    },
  });
  if (change.isNew && flags.dryRun !== true) notes.push(...(await addSchema(change.path)));
  return tell(flags, change, { servers: [{ id, action }], notes });
}

/** Takes servers out. Answers the exit code. @throws Fault */
export async function remove(ids: readonly string[], flags: EditFlags): Promise<number> {
  const wanted = [...new Set(ids)];
  const change = await changeConfig({
    flags,
    mayCreate: false,
    isDryRun: flags.dryRun === true,
    plan: (servers, path) => {
      mustBeThere(wanted, servers, path);
      return wanted.map((id) => ({ kind: 'remove', id }));
    },
  });
  const servers = wanted.map((id): Row => ({ id, action: 'removed' }));
  return tell(flags, change, { servers, notes: [] });
}

/** Switches servers on or off. Answers the exit code. @throws Fault */
export async function enable(
  ids: readonly string[],
  enabled: boolean,
  flags: EditFlags,
): Promise<number> {
  const wanted = [...new Set(ids)];
  let rows: readonly Row[] = [];
  const change = await changeConfig({
    flags,
    mayCreate: false,
    isDryRun: flags.dryRun === true,
    plan: (servers, path) => {
      mustBeThere(wanted, servers, path);
      rows = wanted.map((id) => {
        const isSo = servers.find((server) => server.id === id)?.enabled === enabled;
        return { id, action: isSo ? 'unchanged' : enabled ? 'enabled' : 'disabled' };
      });
      return wanted.map((id) => ({ kind: 'enable', id, enabled }));
    },
  });
  const state = enabled ? 'enabled' : 'disabled';
  return tell(flags, change, { servers: rows, notes: [], state });
}

function taken(id: string, path: string): Fault {
  return new Fault('MCP_SERVER_EXISTS', `there is an MCP server "${id}" already in ${path}`, {
    data: { fix: 'replace it with --force, or take another name' },
  });
}

/** @throws Fault MCP_SERVER_UNKNOWN */
function mustBeThere(
  wanted: readonly string[],
  servers: readonly WrittenServer[],
  path: string,
): void {
  const ids = servers.map(({ id }) => id);
  const missing = wanted.find((id) => !ids.includes(id));
  if (missing === undefined) return;
  const meant = nearest(missing, ids);
  const there = ids.length === 0 ? 'there are none' : `there are ${ids.join(', ')}`;
  const fix = meant === undefined ? there : `did you mean "${meant}"?`;
  throw new Fault('MCP_SERVER_UNKNOWN', `no MCP server "${missing}" in ${path}`, { data: { fix } });
}

/** What had better not stand in the file, and how it stays out of it. */
function secretNotes(
  target: readonly string[],
  { env = [], header = [] }: AddFlags,
  path: string,
): readonly string[] {
  const variables = env.flatMap((pair) => {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    return at > 0 && isInlineSecret(name, pair.slice(at + 1))
      ? [
          `the value of ${name} stands in the file; -e ${name} takes it from the environment instead`,
        ]
      : [];
  });
  const headers = header.flatMap((line) => {
    const name = line.slice(0, line.indexOf(':')).trim();
    return isInlineSecret(name, line.slice(line.indexOf(':') + 1).trim())
      ? [
          `the value of ${name} stands in the file; write \${NAME} in its place, and set NAME for the gateway`,
        ]
      : [];
  });
  const hasSecret = target.some((word, index) => shown([index], word, target[index - 1]) !== word);
  const words = hasSecret
    ? [
        'a word of the command or URL looks like a secret, and stands in the file; write ${NAME} in its place',
      ]
    : [];
  const notes = [...variables, ...headers, ...words];
  return notes.length > 0 && isReadByOthers(path)
    ? [...notes, `others can read ${path}; chmod 600 keeps it to yourself`]
    : notes;
}

function isReadByOthers(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return process.platform !== 'win32' && found !== undefined && (found.mode & 0o044) !== 0;
}

/** Puts the schema beside a new file, for editors; without it the file works all the same. */
async function addSchema(path: string): Promise<readonly string[]> {
  const schema = schemaFileFor(path);
  if (schema === undefined) return [];
  try {
    await replaceFile(schema, schemaText(), { expectedOld: undefined });
    return [`editors complete and check it by ${SCHEMA_FILE} beside it`];
  } catch {
    return []; // the line in the file names a schema that is not there; editors say so
  }
}

interface Done {
  readonly servers: readonly Row[];
  readonly notes: readonly string[];
  /** In which those are that did not change. */
  readonly state?: string;
}

async function tell(
  flags: EditFlags,
  change: ConfigChange,
  { servers, notes, state = 'unchanged' }: Done,
): Promise<number> {
  const isDryRun = flags.dryRun === true;
  const isWritten = change.isChanged && !isDryRun;
  const gateway = isWritten ? await readerOf(flags, change.path) : undefined;
  const report: EditReport = {
    file: change.path,
    created: change.isNew && isWritten,
    dry_run: isDryRun,
    changed: change.isChanged,
    servers: [...servers],
    diff: change.diff,
    notes: [
      ...(change.isNew && isWritten ? ['the file is new, and only you can read it'] : []),
      ...notes,
      ...stateNotes(change),
    ],
    gateway: gateway ?? null,
  };
  if (flags.json === true) await print(JSON.stringify(EditReport.parse(report)));
  else if (isDryRun) await print(report.diff === '' ? 'nothing would change' : report.diff);
  else await print(editText(report, state));
  if (flags.quiet === true) return 0;
  for (const note of report.notes) say(`note: ${note}`);
  if (isDryRun) say('note: nothing was written (--dry-run)');
  else if (isWritten) say(`note: ${gatewayText(report.gateway, change.isWatched)}`);
  return 0;
}

function stateNotes({ unset, left }: ConfigChange): readonly string[] {
  const names = unset.join(', ');
  const count = `${left.length} problem${left.length === 1 ? '' : 's'}`;
  return [
    ...(unset.length === 0
      ? []
      : [
          `${names} ${unset.length === 1 ? 'is' : 'are'} not set here; a gateway that starts without ${unset.length === 1 ? 'it' : 'them'} refuses the file`,
        ]),
    ...(left.length === 0
      ? []
      : [
          `the file had ${count} before, and has ${left.length === 1 ? 'it' : 'them'} still: mcp-hangar config check`,
        ]),
  ];
}
