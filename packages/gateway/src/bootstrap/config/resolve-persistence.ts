import { resolve as resolvePath } from 'node:path';

import { Secret } from '@mcp-hangar/kernel/secret';

import { isLoopback } from '../loopback.ts';
import type { StorePlace } from './gateway-config.ts';
import type { ConfigDocument } from './schema.ts';

type Persistence = NonNullable<ConfigDocument['persistence']>;
type Postgres = NonNullable<Persistence['postgresql']>;

const FILE = 'events.db';

/** The one place of everything; `event_store` may still say that it is memory, or name the file. */
export function resolvePersistence(
  { persistence, event_store: log }: Pick<ConfigDocument, 'persistence' | 'event_store'>,
  directory: string | undefined,
): StorePlace {
  const backend = persistence?.backend ?? 'sqlite';
  if (log.driver === 'memory' || backend === 'memory') return { kind: 'memory' };
  const { postgresql, sqlite } = persistence ?? {};
  if (backend === 'postgresql' && postgresql !== undefined) return resolvePostgres(postgresql);
  const from = (path: string): string => resolvePath(directory ?? '.', path);
  if (log.path !== undefined) return { kind: 'sqlite', path: from(log.path) };
  const folder = sqlite?.data_dir;
  if (folder === undefined) return { kind: 'sqlite', path: undefined };
  return { kind: 'sqlite', path: resolvePath(from(folder), FILE) };
}

/** With these the driver wants TLS and a certificate that it can trust. */
const CHECKED_MODES: ReadonlySet<string> = new Set(['require', 'verify-ca', 'verify-full']);

/**
 * What to know of a database on another machine: a server in its place is given the password, in plain text where it
 * asks for that.
 */
export function plainTextNotice(place: StorePlace): readonly string[] {
  if (place.kind !== 'postgresql' || !URL.canParse(place.url.reveal())) return [];
  const { hostname, searchParams: query } = new URL(place.url.reveal());
  const host = query.get('host') ?? hostname.replace(/^\[(.*)\]$/, '$1');
  const isLocal = host === '' || host.startsWith('/') || isLoopback(host);
  const mode = query.get('sslmode') ?? '';
  if (isLocal || CHECKED_MODES.has(mode)) return [];
  return [
    `the database at "${host}" is reached without checked TLS, so whoever is on the way can read and take its place: add "?sslmode=verify-full" to persistence.postgresql.url`,
  ];
}

const resolvePostgres = (block: Postgres): StorePlace => ({
  kind: 'postgresql',
  url: new Secret(block.url ?? urlOf(block)),
  schema: block.schema,
  connectionsMax: block.max_connections,
});

/** As parameters of the query: a host may be a folder, and a password any text. */
function urlOf({ host, port, database, user, password }: Postgres): string {
  const query = new URLSearchParams({ host: host ?? 'localhost' });
  if (port !== undefined) query.set('port', String(port));
  if (user !== undefined) query.set('user', user);
  if (password !== undefined) query.set('password', password);
  return `postgresql:///${encodeURIComponent(database ?? '')}?${query.toString()}`;
}
