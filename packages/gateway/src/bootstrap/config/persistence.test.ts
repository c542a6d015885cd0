import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadGatewayConfig } from './load-config.ts';

const SERVER = 'mcp_servers:\n  math:\n    command: python\n';
const load = (text: string, env: Readonly<Record<string, string>> = {}) =>
  loadGatewayConfig({ path: '/etc/hangar/config.yaml', text: SERVER + text, env });

function placeOf(text: string, env?: Readonly<Record<string, string>>): unknown {
  const loaded = load(text, env);
  if (!loaded.ok) throw new Error(inspect(loaded.error));
  const { persistence } = loaded.value;
  return persistence.kind === 'postgresql'
    ? { ...persistence, url: persistence.url.reveal() }
    : persistence;
}

function refusalOf(text: string, env?: Readonly<Record<string, string>>): string {
  const loaded = load(text, env);
  if (loaded.ok) throw new Error('it was accepted');
  return loaded.error.map(({ path, message, fix }) => `${path}: ${message} (${fix})`).join('\n');
}

const POSTGRES = 'persistence:\n  backend: postgresql\n  postgresql:\n';

describe('everything is kept', () => {
  it.each([
    ['', { kind: 'sqlite', path: undefined }],
    ['persistence: {}\n', { kind: 'sqlite', path: undefined }],
    ['persistence: {backend: sqlite}\n', { kind: 'sqlite', path: undefined }],
    ['persistence: {backend: memory}\n', { kind: 'memory' }],
    ['event_store: {driver: memory}\n', { kind: 'memory' }],
    ['event_store: {path: log.db}\n', { kind: 'sqlite', path: '/etc/hangar/log.db' }],
    [
      'persistence: {sqlite: {data_dir: data}}\n',
      { kind: 'sqlite', path: '/etc/hangar/data/events.db' },
    ],
    [
      'persistence: {sqlite: {data_dir: /var/lib/hangar}}\n',
      { kind: 'sqlite', path: '/var/lib/hangar/events.db' },
    ],
  ])('%s', (text, place) => {
    expect(placeOf(text)).toEqual(place);
  });

  it('in a database by its URL, which may come from the environment', () => {
    const url = 'postgresql://me:secret@db.internal:5433/hangar?sslmode=verify-full';
    const text = `${POSTGRES}    url: \${DATABASE_URL}\n    schema: gateway\n    max_connections: 4\n`;
    expect(placeOf(text, { DATABASE_URL: url })).toEqual({
      kind: 'postgresql',
      url,
      schema: 'gateway',
      connectionsMax: 4,
    });
  });

  it('in a database by its parts, with any password', () => {
    const text = `${POSTGRES}    host: db\n    port: 5433\n    database: a/b\n    user: me\n    password: \${PW}\n`;
    expect(placeOf(text, { PW: 'p@ss/w?rd&x=%' })).toEqual({
      kind: 'postgresql',
      url: 'postgresql:///a%2Fb?host=db&port=5433&user=me&password=p%40ss%2Fw%3Frd%26x%3D%25',
      schema: 'hangar',
      connectionsMax: 10,
    });
  });

  it('in memory although a database is named, where the event log says so', () => {
    const text = `${POSTGRES}    database: hangar\nevent_store:\n  driver: memory\n`;
    expect(placeOf(text)).toEqual({ kind: 'memory' });
  });
});

describe('what contradicts the decision is refused', () => {
  it.each([
    [
      `${POSTGRES}    database: x\nevent_store: {driver: sqlite}\n`,
      'event_store.driver: event_store.driver is "sqlite" and persistence.backend is "postgresql": one decides for everything (remove event_store.driver)',
    ],
    [
      'persistence: {backend: memory}\nevent_store: {driver: sqlite}\n',
      'event_store.driver: event_store.driver is "sqlite" and persistence.backend is "memory": one decides for everything (remove event_store.driver)',
    ],
    [
      `${POSTGRES}    database: x\nevent_store: {path: log.db}\n`,
      'event_store.path: event_store.path names a SQLite file and persistence.backend is "postgresql": one decides for everything (remove event_store.path)',
    ],
    [
      'persistence: {sqlite: {data_dir: data}}\nevent_store: {path: log.db}\n',
      'event_store.path: event_store.path and persistence.sqlite.data_dir both say where the file is (keep persistence.sqlite.data_dir)',
    ],
    [
      'persistence: {backend: postgresql}\n',
      'persistence.postgresql.url: missing, and backend "postgresql" needs it (add "url: postgresql://USER@HOST/DATABASE", or host, database, user and password)',
    ],
    [
      'persistence:\n  postgresql:\n    database: x\n',
      'persistence.postgresql: given, and persistence.backend is "sqlite" unless set (add "backend: postgresql")',
    ],
    [
      `${POSTGRES}    url: postgresql://h/x\n    user: me\n`,
      'persistence.postgresql.url: persistence.postgresql.user is given too, and the URL says it (keep the URL, or the keys)',
    ],
    ['persistence: {backend: redis}\n', 'persistence.backend: '],
    [`${POSTGRES}    database: x\n    schema: PG\n`, 'persistence.postgresql.schema: '],
    [`${POSTGRES}    database: x\n    max_connections: 1\n`, 'persistence.postgresql.max_conn'],
  ])('%s', (text, message) => {
    expect(refusalOf(text)).toContain(message);
  });

  it.each(['mysql://me:hidden@h/x', 'postgresql://me:hid den@h:port:7/x', 'hidden'])(
    'an address that is none is not repeated: %s',
    (url) => {
      const told = refusalOf(`${POSTGRES}    url: \${URL}\n`, { URL: url });
      expect(told).toContain('persistence.postgresql.url: no URL of a PostgreSQL database');
      expect(told).not.toMatch(/hid/);
    },
  );

  it.each([
    ['url: postgresql://me:hidden@db.example.com/x', true],
    ['url: postgresql://me:hidden@db.example.com/x?sslmode=no-verify', true],
    ['url: postgresql://me:hidden@127.0.0.1/x?host=db.example.com', true],
    ['{ host: db.example.com, database: x, password: hidden }', true],
    ['url: postgresql://me:hidden@db.example.com/x?sslmode=verify-full', false],
    ['url: postgresql://me:hidden@db.example.com/x?sslmode=require', false],
    ['url: postgresql://me:hidden@[::1]/x', false],
    ['url: postgresql://me:hidden@127.0.0.1/x', false],
    ['{ host: /run/postgresql, database: x }', false],
    ['{ database: x }', false],
  ])('a database on another machine without TLS is told: %s', (block, isTold) => {
    const text = block.startsWith('{')
      ? `${POSTGRES.trimEnd()} ${block}\n`
      : `${POSTGRES}    ${block}\n`;
    const loaded = load(text);
    const notices = loaded.ok ? loaded.value.notices : ['refused'];
    const told = notices.filter((notice) =>
      notice.includes('the database at "db.example.com" is reached without'),
    );
    expect([told.length, notices.length]).toEqual(isTold ? [1, 1] : [0, 0]);
    expect(notices.join()).not.toContain('hidden');
  });

  it('a key that is not obeyed yet is told', () => {
    const loaded = load(`${POSTGRES}    database: x\n    min_connections: 2\n`);
    expect(loaded.ok && loaded.value.notices).toEqual([
      '`persistence.postgresql.min_connections` is not active in this build',
    ]);
  });
});
