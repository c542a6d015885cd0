import { resolve as resolvePath } from 'node:path';

import { Secret } from '@mcp-hangar/kernel/secret';

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
