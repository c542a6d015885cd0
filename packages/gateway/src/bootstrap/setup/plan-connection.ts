/** What connecting a client, or disconnecting it, would write into its file. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { editClientText } from '../../application/setup/client-text.ts';
import { type FoundEntry, findServers } from '../../application/setup/find-servers.ts';
import type { TextEdit } from '../../application/setup/json-text.ts';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { ClientSpec, GatewayCommand } from '../../domain/setup/client-table.ts';
import type { Change } from '../../infrastructure/setup/change-journal.ts';
import { configOfEntry } from './gateway-command.ts';

const NAME = 'hangar';

export interface Wish {
  readonly isConnected: boolean;
  readonly transport: 'stdio' | 'http';
  readonly url: string;
  readonly configPath: string;
  /** What a gateway without `--config` uses. */
  readonly standardPath: string;
  readonly command: (client: ClientSpec) => GatewayCommand;
  /** Whether an entry that leads to another configuration is changed. */
  readonly takesOver: boolean;
  /** Entries that go, as the gateway has them now. */
  readonly replaced: readonly FoundEntry[];
}

export interface ConnectionPlan {
  readonly change: 'connected' | 'disconnected' | 'none';
  readonly file: Change | undefined;
  /** Names of the entries that go. */
  readonly removed: readonly string[];
  /** Undefined unless the client uses another configuration of ours, and goes on to do so. */
  readonly otherConfig: string | undefined;
}

/** @throws Fault FILE_NOT_WRITTEN, INPUT_INVALID where the client does not speak HTTP */
export function planConnection(file: ClientFile, wish: Wish): ConnectionPlan {
  const { client, content, path } = file;
  if (content.kind === 'broken') throw unusable(file, content.reason);
  const own = ownEntries(file, wish.url);
  const { edits, change, otherConfig } = wish.isConnected
    ? connecting(file, own, wish)
    : disconnecting(own);
  // Without the gateway of this configuration the client would lose them.
  const removed =
    otherConfig === undefined ? wish.replaced.filter(({ at }) => at.file === file) : [];
  const all = [
    ...removed.map(({ at }) => ({ path: [...at.path, at.name], value: undefined })),
    ...edits,
  ];
  const names = removed.map(({ at }) => at.name);
  const before = content.kind === 'read' ? content.text : undefined;
  if (all.length === 0) return { change, file: undefined, removed: names, otherConfig };
  const edited = editClientText(client.format, before ?? '', all);
  if (!edited.ok) throw unusable(file, edited.error);
  return { change, file: { path, before, after: edited.value }, removed: names, otherConfig };
}

/** The entries of a file that are this gateway. */
export const ownEntries = (file: ClientFile, url: string): readonly FoundEntry[] =>
  findServers([file], { home: '/', separator: '/', ownUrls: [url], hasFolder: () => true }).filter(
    ({ conversion }) => conversion.kind === 'gateway',
  );

interface Edits {
  readonly edits: readonly TextEdit[];
  readonly change: ConnectionPlan['change'];
  readonly otherConfig?: string | undefined;
}

function connecting(file: ClientFile, own: readonly FoundEntry[], wish: Wish): Edits {
  const { client, content } = file;
  const { serversKey, httpEntry } = client;
  const here = own.find(({ at }) => at.path.length === 1);
  const isSame = here !== undefined && leadsTo(here.at.entry, wish);
  const other =
    here === undefined ? undefined : (configOfEntry(here.at.entry) ?? wish.standardPath);
  if (isSame) return { edits: [], change: 'none' };
  if (here !== undefined && !wish.takesOver)
    return { edits: [], change: 'none', otherConfig: other };
  if (wish.transport === 'http' && httpEntry === undefined)
    throw new Fault('INPUT_INVALID', `${client.title} starts programs only; it cannot use a URL`, {
      data: { field: 'transport', fix: 'leave --transport http out' },
    });
  const value =
    wish.transport === 'http' && httpEntry !== undefined
      ? httpEntry(wish.url)
      : client.stdioEntry(wish.command(client));
  const servers = content.kind === 'read' ? content.value[serversKey] : undefined;
  const taken = typeof servers === 'object' && servers !== null ? Object.keys(servers) : [];
  const name = here?.at.name ?? freeName(taken);
  return { edits: [{ path: [serversKey, name], value }], change: 'connected' };
}

/** Whether an entry of ours does already what is wished for. */
function leadsTo(
  entry: unknown,
  { transport, configPath, standardPath, takesOver }: Wish,
): boolean {
  const isProgram = typeof entry === 'object' && entry !== null && 'command' in entry;
  // It was recognized by its URL, which is that of this configuration.
  if (!isProgram) return transport === 'http' || !takesOver;
  return transport === 'stdio' && (configOfEntry(entry) ?? standardPath) === configPath;
}

function freeName(taken: readonly string[]): string {
  let name = NAME;
  for (let number = 2; taken.includes(name); number += 1) name = `${NAME}-${number}`;
  return name;
}

const disconnecting = (own: readonly FoundEntry[]): Edits => ({
  edits: own.map(({ at }) => ({ path: [...at.path, at.name], value: undefined })),
  change: own.length === 0 ? 'none' : 'disconnected',
});

const unusable = ({ client, path }: ClientFile, reason: string): Fault =>
  new Fault('FILE_NOT_WRITTEN', `cannot edit ${path} of ${client.title}: ${reason}`, {
    data: { fix: 'repair the file, and try again; nothing of it was changed' },
  });
