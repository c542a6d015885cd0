import type { DatabaseSync } from 'node:sqlite';
import type { Snapshot } from '@mcp-hangar/kernel/snapshot';
import { snapshotOf, type EncodedSnapshot } from './encoded-snapshot.ts';

export const SNAPSHOT_TABLE = `
  create table snapshot (
    stream text primary key,
    version integer not null check (version > 0),
    schema_version integer not null,
    state text not null
  ) strict, without rowid;
`;

export function saveSnapshots(db: DatabaseSync, snapshots: readonly EncodedSnapshot[]): void {
  const save = db.prepare(
    `insert into snapshot (stream, version, schema_version, state) values (?, ?, ?, ?)
     on conflict (stream) do update set version = excluded.version,
       schema_version = excluded.schema_version, state = excluded.state
     where excluded.version >= snapshot.version`,
  );
  for (const snapshot of snapshots) save.run(...snapshot);
}

/** @throws RowProblem */
export function readSnapshots(db: DatabaseSync, prefix: string): readonly Snapshot[] {
  const rows = db
    .prepare(
      `select stream, version, schema_version, state from snapshot
       where substr(stream, 1, length(?1)) = ?1 order by stream`,
    )
    .all(prefix);
  return rows.map(snapshotOf);
}
