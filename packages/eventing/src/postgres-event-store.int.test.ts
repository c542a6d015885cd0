/** The contract; and databases that cannot be reached are told at once, without the password. */
import { inspect } from 'node:util';
import { Secret } from '@mcp-hangar/kernel/secret';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { within } from '../../../test/support/until.ts';
import { eventStoreContract } from '../test-kit/event-store-contract.ts';
import { event } from '../test-kit/events.ts';
import { leaseContract } from '../test-kit/lease-contract.ts';
import { hasPostgres, PostgresCluster } from '../test-kit/postgres-cluster.ts';
import { PostgresEventStore } from './postgres-event-store.ts';
import { verifyPostgresEventLog } from './postgres-verify.ts';

const UNAVAILABLE = { name: 'Fault', code: 'EVENT_STORE_UNAVAILABLE' };
const SECRET = 'do not tell/anybody';

const postgres = needs('postgresql', hasPostgres);

describe.skipIf(postgres.isMissing)(`a server ${postgres.mark}`, () => {
  let cluster: PostgresCluster;
  let count = 0;

  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  const open = async (): Promise<PostgresEventStore> => {
    count += 1;
    return new PostgresEventStore({ url: cluster.urlOf('postgres'), schema: `log_${count}` });
  };

  eventStoreContract('PostgreSQL', open);
  leaseContract('PostgreSQL', open);

  const password = encodeURIComponent(SECRET);

  it.each<readonly [string, () => string, RegExp]>([
    [
      'nobody listens',
      () => `postgresql://me:${password}@127.0.0.1:1/logs`,
      /127\.0\.0\.1:1\/logs, schema hangar": connect ECONNREFUSED/,
    ],
    [
      'there is no such host',
      () => `postgresql://me:${password}@nowhere.invalid/logs`,
      /nowhere\.invalid:5432\/logs/,
    ],
    [
      'there is no such socket',
      () => `postgresql:///logs?host=/nowhere&user=me&password=${password}`,
      /ENOENT/,
    ],
    [
      'the password is wrong',
      () => cluster.tcpUrlOf('postgres', 'postgres', SECRET).reveal(),
      /password authentication failed/,
    ],
    [
      'there is no such database',
      () => cluster.urlOf('missing').reveal(),
      /database "missing" does not exist/,
    ],
    [
      'TLS is wanted that the server does not have',
      () => `${cluster.tcpUrlOf('postgres', 'postgres', SECRET).reveal()}?sslmode=verify-full`,
      /SSL/,
    ],
  ])(
    'an address where %s is told at once, without the password',
    async (_what, address, message) => {
      await using store = new PostgresEventStore({ url: new Secret(address()) });
      const uses: readonly (() => Promise<unknown>)[] = [
        () => store.open(),
        () => store.append({ stream: 'a', expected: 'any', events: [event()] }),
        () => store.readAll(undefined, 1),
      ];
      for (const use of uses) {
        const error: unknown = await within(
          'it is told',
          use().catch((cause: unknown) => cause),
        );
        expect(error).toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(message) });
        expect(error).toMatchObject({ data: undefined });
        const shown = inspect(error, { depth: 9, showHidden: true });
        expect(shown).not.toContain(SECRET);
        expect(shown).not.toContain(password);
      }
      const { findings } = await verifyPostgresEventLog({ url: new Secret(address()) });
      expect(findings).toMatchObject([{ kind: 'file', message: expect.stringMatching(message) }]);
      expect(inspect(store, { depth: 9, showHidden: true })).not.toContain(SECRET);
    },
  );

  it('an address that cannot be read is refused without being repeated', () => {
    const url = new Secret(`postgresql://me:${SECRET}@host:port:7/logs`);
    let thrown: unknown;
    try {
      void new PostgresEventStore({ url });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'Fault', code: 'CONFIG_INVALID' });
    expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain(SECRET);
  });
});
