/** One list of servers out of what several clients have: each once, each with an id of its own. */
import { entryOf, launchOf, type ServerDraft, type ServerEntry } from './draft.ts';
import { type SecretNames, withoutSecrets } from './extract-secrets.ts';

/** A server of a client, as it was found. */
export interface FoundServer {
  readonly client: string;
  /** Its name there. */
  readonly name: string;
  readonly draft: ServerDraft;
}

export type Gathered =
  /** It becomes a new entry. */
  | { readonly kind: 'new'; readonly id: string; readonly entry: ServerEntry }
  /** An entry of this id, new or of the file, is the same server. */
  | { readonly kind: 'same'; readonly id: string };

interface GatherOptions {
  /** The entries that our file has. */
  readonly existing: Readonly<Record<string, unknown>>;
  /** Secrets that they refer to by name. */
  readonly stored: Readonly<Record<string, string | undefined>>;
  /** Undefined: secrets stay where they are. */
  readonly names: SecretNames | undefined;
}

const ID_LENGTH_MAX = 64;

/** One answer for each server, in their order. */
export function gatherServers(
  servers: readonly FoundServer[],
  { existing, stored, names }: GatherOptions,
): readonly Gathered[] {
  const ids = new Set(Object.keys(existing));
  const known = new Map<string, string>();
  for (const [id, entry] of Object.entries(existing))
    if (isFields(entry)) known.set(keyOf(withValues(entry, stored)), id);
  const enabled = new Set(
    servers.flatMap(({ draft }) => (draft.isEnabled ? [keyOf(launchOf(draft))] : [])),
  );
  return servers.map(({ client, name, draft }) => {
    const key = keyOf(launchOf(draft));
    const same = known.get(key);
    if (same !== undefined) return { kind: 'same', id: same };
    const id = freeId(validId(name), client, ids);
    ids.add(id);
    known.set(key, id);
    const hidden = names === undefined ? draft : withoutSecrets(id, draft, names);
    return { kind: 'new', id, entry: entryOf({ ...hidden, isEnabled: enabled.has(key) }) };
  });
}

/** The nearest id that our configuration takes. */
export function validId(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/__+/g, '_')
    .replace(/^[^A-Za-z]+/, '')
    .slice(0, ID_LENGTH_MAX)
    .replace(/[_-]+$/, '');
  return plain === '' ? 'server' : plain;
}

function freeId(wanted: string, client: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? `-${client}` : `-${client}-${number}`;
    const id = `${wanted.slice(0, ID_LENGTH_MAX - suffix.length)}${suffix}`;
    if (!taken.has(id)) return id;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldsAt = (entry: Fields, key: string): Fields => {
  const value = entry[key];
  return isFields(value) ? value : {};
};

/** What of an entry makes it the same server as another, however it is written. */
function keyOf(entry: Fields): string {
  const { command, args } = entry;
  const words = [
    ...(typeof command === 'string' ? command.trim().split(/\s+/) : listOf(command)),
    ...listOf(args),
  ];
  return JSON.stringify([
    words,
    sorted(fieldsAt(entry, 'env')),
    entry['cwd'] ?? '',
    entry['url'] ?? entry['endpoint'] ?? '',
    sorted(fieldsAt(fieldsAt(entry, 'http'), 'headers')),
  ]);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const sorted = (fields: Fields): readonly (readonly [string, unknown])[] =>
  Object.entries(fields).toSorted(([left], [right]) => (left < right ? -1 : 1));

/** With the secrets in the place of their names. */
function withValues<Value>(value: Value, stored: GatherOptions['stored']): Value;
function withValues(value: unknown, stored: GatherOptions['stored']): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (match, name?: string) =>
      name === undefined ? match : (stored[name]?.replaceAll('${', () => '$${') ?? match),
    );
  if (Array.isArray(value)) return value.map((item: unknown) => withValues(item, stored));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withValues(item, stored)]),
  );
}
