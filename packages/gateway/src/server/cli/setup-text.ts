/** What `init`, `import` and `connect` tell people. */
import type { SetupReport, UndoReport } from '../../application/setup/setup-report.ts';
import { harmless, harmlessLines } from './harmless.ts';
import { tableText } from './text-table.ts';

type Server = SetupReport['servers'][number];

/** The diffs of all files, one after the other. */
export const diffText = ({ files }: SetupReport): string =>
  harmlessLines(files.map(({ diff }) => diff).join('\n'));

/** What changes in each file, in lines. */
export function filesText({ files }: SetupReport): string {
  const rows = files.map(({ path, change, diff }) => {
    const lines = diff.split('\n').slice(2);
    const count = (mark: string): number => lines.filter((line) => line.startsWith(mark)).length;
    return [path, change, `+${count('+')}`, `-${count('-')}`];
  });
  const columns = [{ title: 'FILE' }, { title: '' }, { title: '' }, { title: '' }];
  return tableText(columns, rows, undefined);
}

/** @param widthMax cells of the terminal; undefined where it is none */
export function setupText(report: SetupReport, widthMax: number | undefined): string {
  return [
    importedText(report, widthMax),
    skippedText(report.servers),
    secretsText(report),
    connectedText(report),
    notesText(report),
    smokeText(report.smoke_test),
    endText(report),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function importedText(
  { servers, added, config }: SetupReport,
  widthMax: number | undefined,
): string {
  const taken = servers.filter(({ outcome }) => outcome === 'imported');
  const rows = [
    ...taken.map(({ id, client }) => [id ?? '', client]),
    ...added.map((id) => [id, 'bundle']),
  ];
  if (rows.length === 0) return '';
  const columns = [{ title: 'SERVER' }, { title: 'FROM' }];
  const count = `${rows.length} MCP server${rows.length === 1 ? '' : 's'}`;
  const width = widthMax === undefined ? undefined : widthMax - 2;
  return `${count} into ${config}\n${indented(tableText(columns, rows, width))}`;
}

/** Whole sentences, one a line: nothing is dropped silently. */
function notesText({ servers, notes }: SetupReport): string {
  const ofServers = servers.flatMap(({ id, outcome, notes: said }) =>
    outcome === 'imported' ? said.map((note) => `${id ?? ''}: ${note}`) : [],
  );
  return list('Notes', [...ofServers, ...notes]);
}

function skippedText(servers: readonly Server[]): string {
  const skipped = servers.filter(({ outcome }) => outcome === 'skipped');
  return list(
    'Not taken over',
    skipped.map(({ client, name, reason }) => `${client}: ${name}: ${reason ?? ''}`),
  );
}

const secretsText = ({ secrets }: SetupReport): string =>
  secrets === null
    ? ''
    : list(`Secrets moved to ${secrets.file} (mode 600)`, [secrets.variables.join(', ')]);

function connectedText({ clients }: SetupReport): string {
  const changed = clients.filter(({ change }) => change !== 'none');
  const broken = clients.filter(({ problem }) => problem !== null);
  return [
    list(
      'Clients',
      changed.map(({ title, file, change }) => `${title}: ${change} (${file})`),
    ),
    list(
      'Left alone',
      broken.map(({ title, file, problem }) => `${title}: ${file}: ${problem ?? ''}`),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const smokeText = (outcomes: SetupReport['smoke_test']): string =>
  list(
    'Started once',
    outcomes.map(({ id, ms, tools, error }) =>
      error === null ? `${id}: ready (${ms} ms), ${tools ?? 0} tools` : `${id}: ${error}`,
    ),
  );

function endText({ files, dry_run: isDryRun, undo, clients }: SetupReport): string {
  if (files.length === 0) return 'Nothing to do.';
  if (isDryRun) {
    const count = `${files.length} file${files.length === 1 ? '' : 's'}`;
    return `${count} would be written. Nothing was.`;
  }
  const restart = clients.some(({ change }) => change !== 'none')
    ? ['restart your clients: they read their files when they start']
    : [];
  return list('Next', [
    ...restart,
    'mcp-hangar doctor      says what is wrong with a server, if anything is',
    ...(undo === null ? [] : [`${undo} takes this back`]),
  ]);
}

/** The clients and whether they are connected. */
export function clientsText({ clients }: SetupReport, widthMax: number | undefined): string {
  const columns = [
    { title: 'CLIENT' },
    { title: 'NAME', leaveOut: 1 },
    { title: 'INSTALLED' },
    { title: 'CONNECTED' },
    { title: 'FILE', widthMin: 12, leaveOut: 2 },
  ];
  const rows = clients.map((client) => [
    client.id,
    client.title,
    client.is_installed ? 'yes' : 'no',
    client.problem ?? (client.is_connected ? 'yes' : 'no'),
    client.file,
  ]);
  return tableText(columns, rows, widthMax);
}

export function undoText({ undone, files }: UndoReport): string {
  if (undone === null) return 'Nothing to undo.';
  if (files.length === 0) return `${undone}: every file is as it was already.`;
  return list(`${undone} is taken back`, files);
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');

const list = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${title}\n${indented(lines.map(harmless).join('\n'))}`;
