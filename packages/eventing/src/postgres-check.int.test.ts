/** What is said of a database before a gateway uses it, against a real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { hasPostgres, PostgresCluster } from '../test-kit/postgres-cluster.ts';
import { checkPostgres, type DatabaseReport } from './postgres-check.ts';
import { PostgresEventStore } from './postgres-event-store.ts';

const postgres = needs('postgresql', hasPostgres);
const TEST_MS_MAX = 60_000;
const PASSWORD = 'p';
/** To be quoted, in SQL and in a URL. */
const [ROLE, IN_URL] = ['"small one"', 'small%20one'];

describe.skipIf(postgres.isMissing)(`A database is ${postgres.mark}`, () => {
  let cluster: PostgresCluster;
  let name = '';
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
    await cluster.query('postgres', `create role ${ROLE} login password '${PASSWORD}'`);
  }, TEST_MS_MAX);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  async function database(...statements: readonly string[]): Promise<void> {
    const url = await cluster.createDatabase();
    name = new URL(url.reveal()).pathname.slice(1);
    for (const sql of statements) await cluster.query(name, sql);
  }
  const asOwner = (): Promise<DatabaseReport> => checkPostgres({ url: cluster.urlOf(name) });
  const asRole = (password = PASSWORD): Promise<DatabaseReport> =>
    checkPostgres({ url: cluster.tcpUrlOf(name, IN_URL, password) });
  const migrated = async (): Promise<void> => {
    await using store = new PostgresEventStore({ url: cluster.urlOf(name) });
    await store.acquire('any', 'any', 1);
  };

  it('well, empty or used, and nothing is made by looking', async () => {
    await database();
    const report = await asOwner();
    expect(report).toMatchObject({ finding: undefined });
    expect(report.name).toMatch(new RegExp(`/${name}, schema hangar$`));
    const looked = `select 1 from pg_namespace where nspname = 'hangar'`;
    expect(await cluster.query(name, looked)).toEqual([]);
    await migrated();
    expect(await asOwner()).toMatchObject({ finding: undefined });
  });

  it('forbidden until what is said was granted, step by step', async () => {
    await database();
    const seen: string[] = [];
    const obey = async (): Promise<void> => {
      const { finding } = await asRole();
      if (finding?.kind !== 'forbidden') throw new Error(`it is ${finding?.kind ?? 'well'}`);
      seen.push(finding.grant);
      await cluster.query(name, finding.grant);
    };
    await obey();
    expect(await asRole()).toMatchObject({ finding: undefined });
    await migrated();
    await obey();
    await obey();
    expect(await asRole()).toMatchObject({ finding: undefined });
    expect(seen).toEqual([
      `grant create on database ${name} to ${ROLE}`,
      `grant usage, create on schema hangar to ${ROLE}`,
      `grant select, insert, update, delete on all tables in schema hangar to ${ROLE}`,
    ]);
    await using its = new PostgresEventStore({ url: cluster.tcpUrlOf(name, IN_URL, PASSWORD) });
    expect(await its.acquire('other', 'other', 1)).toMatchObject({ generation: 1 });
  });

  it('unusable where its tables are of another program, or of a version to come', async () => {
    await database('create schema hangar', 'create table hangar.event (id int)');
    const foreign = expect.stringContaining('another program') as string;
    expect(await asOwner()).toMatchObject({ finding: { kind: 'unusable', problem: foreign } });
    await database();
    await migrated();
    await cluster.query(name, `insert into hangar.migration (version, name) values (99, 'later')`);
    const later = expect.stringContaining('has version 99') as string;
    expect(await asOwner()).toMatchObject({ finding: { kind: 'unusable', problem: later } });
  });

  it('unreachable with a wrong password, or where nothing answers; the password is not told', async () => {
    await database();
    const refused = await asRole('wrong-secret');
    const problem = expect.stringContaining('authentication failed') as string;
    expect(refused).toMatchObject({ finding: { kind: 'unreachable', problem } });
    expect(JSON.stringify(refused)).not.toContain('wrong-secret');
    await cluster.stop('SIGINT');
    expect(await asRole()).toMatchObject({ finding: { kind: 'unreachable' } });
    await cluster.start();
  });
});
