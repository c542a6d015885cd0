import { afterAll, beforeAll, describe } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { eventStoreContract } from '../test-kit/event-store-contract.ts';
import { hasPostgres, PostgresCluster } from '../test-kit/postgres-cluster.ts';
import { PostgresEventStore } from './postgres-event-store.ts';

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

  eventStoreContract('PostgreSQL', async () => {
    count += 1;
    return new PostgresEventStore({ url: cluster.urlOf('postgres'), schema: `log_${count}` });
  });
});
