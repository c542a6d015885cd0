import type { ClientBase } from 'pg';
import type { Snapshot } from '@mcp-hangar/kernel/snapshot';
import { snapshotOf, type EncodedSnapshot } from './encoded-snapshot.ts';
import { inSchema } from './postgres-schema.ts';
import type { UntrustedRow } from './stored-row.ts';

/** One statement: all or none. In the order of streams, so that two who save the same do not block each other. */
export async function saveSnapshots(
  client: ClientBase,
  schema: string,
  snapshots: readonly EncodedSnapshot[],
): Promise<void> {
  const column = (n: number): readonly unknown[] => snapshots.map((snapshot) => snapshot[n]);
  await client.query(
    `insert into ${inSchema(schema, 'snapshot')} as kept (stream, version, schema_version, state)
     select distinct on (stream) stream, version, schema_version, state
     from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) s(stream, version, schema_version, state)
     order by stream, version desc
     on conflict (stream) do update set version = excluded.version,
       schema_version = excluded.schema_version, state = excluded.state
     where excluded.version >= kept.version`,
    [column(0), column(1), column(2), column(3)],
  );
}

/** @throws RowProblem */
export async function readSnapshots(
  client: ClientBase,
  schema: string,
  prefix: string,
): Promise<readonly Snapshot[]> {
  const { rows } = await client.query<UntrustedRow>(
    `select stream, version, schema_version, state from ${inSchema(schema, 'snapshot')}
     where starts_with(stream, $1) order by stream`,
    [prefix],
  );
  return rows.map(snapshotOf);
}
