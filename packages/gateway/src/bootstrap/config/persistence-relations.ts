import { type ConfigNode, isGiven, nodeAt } from './config-node.ts';
import type { Finding } from './finding.ts';
import type { ConfigPath } from './problem.ts';

/** One decision about where state is kept: what contradicts it is refused, with both keys. */

const URL_FORM = /^postgres(ql)?:\/\//;
/** What a URL says too. */
const PARTS = ['host', 'port', 'database', 'user', 'password'] as const;

/** What `persistence` and `event_store` say against each other, and what is missing. */
export function checkPersistence(root: ConfigNode): readonly Finding[] {
  const given = nodeAt(root, ['persistence', 'backend']);
  const backend = textOf(given) ?? 'sqlite';
  return [
    ...(isGiven(given) ? legacyKeys(root, backend) : []),
    ...twoFiles(root),
    ...(backend === 'postgresql' ? missingDatabase(root) : unusedBlock(root, given)),
    ...badUrl(root),
  ];
}

function legacyKeys(root: ConfigNode, backend: string): readonly Finding[] {
  if (backend === 'sqlite') return [];
  return (['driver', 'path'] as const).flatMap((key): readonly Finding[] => {
    const node = nodeAt(root, ['event_store', key]);
    if (node === undefined || !isGiven(node) || textOf(node) === 'memory') return [];
    const said = key === 'driver' ? `is "${textOf(node) ?? ''}"` : 'names a SQLite file';
    const message = `event_store.${key} ${said} and persistence.backend is "${backend}": one decides for everything`;
    return [finding(node, ['event_store', key], message, `remove event_store.${key}`)];
  });
}

function twoFiles(root: ConfigNode): readonly Finding[] {
  const path = nodeAt(root, ['event_store', 'path']);
  const folder = nodeAt(root, ['persistence', 'sqlite', 'data_dir']);
  if (path === undefined || !isGiven(path) || !isGiven(folder)) return [];
  const message = 'event_store.path and persistence.sqlite.data_dir both say where the file is';
  return [finding(path, ['event_store', 'path'], message, 'keep persistence.sqlite.data_dir')];
}

function missingDatabase(root: ConfigNode): readonly Finding[] {
  const has = (key: string): boolean => isGiven(nodeAt(root, ['persistence', 'postgresql', key]));
  if (has('url') || has('database')) return [];
  const node =
    nodeAt(root, ['persistence', 'postgresql']) ?? nodeAt(root, ['persistence', 'backend']) ?? root;
  const path = ['persistence', 'postgresql', 'url'];
  const message = 'missing, and backend "postgresql" needs it';
  const fix = 'add "url: postgresql://USER@HOST/DATABASE", or host, database, user and password';
  return [finding(node, path, message, fix)];
}

/** Somebody meant it to be used. */
function unusedBlock(root: ConfigNode, backend: ConfigNode | undefined): readonly Finding[] {
  const path = ['persistence', 'postgresql'];
  const node = nodeAt(root, path);
  if (node === undefined || !isGiven(node) || isGiven(backend)) return [];
  const message = 'given, and persistence.backend is "sqlite" unless set';
  return [finding(node, path, message, 'add "backend: postgresql"')];
}

/** Its value is never repeated: a URL carries a password. */
function badUrl(root: ConfigNode): readonly Finding[] {
  const path = ['persistence', 'postgresql', 'url'];
  const node = nodeAt(root, path);
  const url = textOf(node);
  if (node === undefined || url === undefined) return [];
  if (!URL_FORM.test(url) || !URL.canParse(url)) {
    const fix = 'write "postgresql://USER:PASSWORD@HOST:PORT/DATABASE", % signs encoded as %25';
    return [finding(node, path, 'no URL of a PostgreSQL database', fix)];
  }
  const twice = PARTS.filter((key) => isGiven(nodeAt(root, ['persistence', 'postgresql', key])));
  if (twice.length === 0) return [];
  const message = `persistence.postgresql.${twice[0]} is given too, and the URL says it`;
  return [finding(node, path, message, 'keep the URL, or the keys')];
}

const finding = (node: ConfigNode, path: ConfigPath, message: string, fix: string): Finding => ({
  node,
  path,
  message,
  fix,
});

const textOf = (node: ConfigNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
