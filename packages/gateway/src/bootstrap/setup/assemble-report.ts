/** Everything that a command of this kind has to say, without a secret in it. */
import { linesOf, unifiedDiff } from '../../server/cli/unified-diff.ts';
import type { SetupReport } from '../../application/setup/setup-report.ts';
import { maskLine } from '../../domain/setup/mask.ts';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { Change } from '../../infrastructure/setup/change-journal.ts';
import type { ImportPlan } from './plan-import.ts';
import { type ConnectionPlan, ownEntries } from './plan-connection.ts';
import type { Scene } from './scene.ts';

const LINE_LENGTH_MAX = 300;
/** Nobody reads a generated file line by line. */
const DIFF_LINES_MAX = 2_000;

export interface ReportParts {
  readonly scene: Scene;
  readonly isDryRun: boolean;
  readonly imported: ImportPlan | undefined;
  readonly added?: readonly string[];
  readonly connections: ReadonlyMap<ClientFile, ConnectionPlan>;
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
}

export function assembleReport(parts: ReportParts): SetupReport {
  const { scene, isDryRun, imported, changes, notes } = parts;
  const { config } = scene;
  const secrets = [
    ...Object.values(config.envFile.variables).filter((value) => value !== undefined),
    ...(imported?.hidden ?? []),
    ...(imported?.secrets.values() ?? []),
  ].toSorted((left, right) => right.length - left.length);
  return {
    config: config.path,
    dry_run: isDryRun,
    servers: [...(imported?.servers ?? [])],
    added: [...(parts.added ?? [])],
    clients: clientsOf(parts),
    runtimes: scene.runtimes.map(({ name, path, version }) => ({
      name,
      path: path ?? null,
      version: version ?? null,
    })),
    secrets:
      imported === undefined || imported.secrets.size === 0
        ? null
        : { file: config.secretsPath, variables: [...imported.secrets.keys()] },
    files: changes.map((change) => ({
      path: change.path,
      change: change.before === undefined ? 'created' : 'changed',
      diff: diffOf(change, secrets),
    })),
    notes: notes.map((note) => maskLine(note, secrets)),
    smoke_test: [],
    undo: isDryRun || changes.length === 0 ? null : 'mcp-hangar init --undo',
  };
}

function clientsOf({ scene, connections }: ReportParts): SetupReport['clients'] {
  const files = [
    ...scene.files.filter(({ scope }) => scope === 'user'),
    ...[...connections.keys()].filter(({ scope }) => scope === 'project'),
  ];
  return files.map((file) => {
    const { client, path, content } = file;
    const plan = connections.get(file);
    const change = plan?.change ?? 'none';
    const wasConnected = ownEntries(file, scene.config.url).length > 0;
    return {
      id: client.id,
      title: client.title,
      file: path,
      is_installed: scene.installed.has(client.id),
      is_connected: change === 'none' ? wasConnected : change === 'connected',
      change,
      problem: content.kind === 'broken' ? content.reason : null,
    };
  });
}

function diffOf(change: Change, secrets: readonly string[]): string {
  const { path, before, after, isPrivate, isGenerated } = change;
  if (isGenerated === true)
    return `--- /dev/null\n+++ ${path}\n@@ generated, ${after.length} bytes @@`;
  const side = (name: string, text: string): Parameters<typeof unifiedDiff>[0] => ({
    name,
    lines: linesOf(text),
  });
  const old = side(before === undefined ? '/dev/null' : path, before ?? '');
  const lines = unifiedDiff(old, side(path, after)).split('\n');
  const show = (line: string): string => {
    const masked = isPrivate === true ? valueHidden(line) : maskLine(line, secrets);
    return masked.length > LINE_LENGTH_MAX ? `${masked.slice(0, LINE_LENGTH_MAX)}…` : masked;
  };
  const shown = lines
    .slice(0, DIFF_LINES_MAX)
    .map((line, index) =>
      index < 2 || line.startsWith('@@') ? line : line.slice(0, 1) + show(line.slice(1)),
    );
  const rest = lines.length - shown.length;
  return [...shown, ...(rest === 0 ? [] : [`… ${rest} more lines`])].join('\n');
}

const valueHidden = (line: string): string =>
  line.startsWith('#') ? line : line.replace(/=.*$/, '=•••');
