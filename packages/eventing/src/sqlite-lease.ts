/**
 * Leases in the file of the log, by the clock of the machine. A clock that was set back would make a lease last: one
 * that ends further ahead than it was given for is over too. One that jumps ahead ends leases early, which the
 * generation makes harmless.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Lease } from '@mcp-hangar/kernel/lease';
import { integerIn, textIn } from './stored-row.ts';

/** The same moment wherever it stands in one statement. */
const NOW = `cast(unixepoch('subsec') * 1000 as integer)`;

/** Of a row of `lease`. */
const IS_OVER = `(lease.expires_at_ms <= ${NOW} or lease.expires_at_ms - ${NOW} > lease.ttl_ms)`;

export const LEASE_TABLE = `
  create table lease (
    name text primary key,
    holder text not null,
    generation integer not null check (generation > 0),
    expires_at_ms integer not null,
    ttl_ms integer not null
  ) strict, without rowid;
`;

export function acquireLease(
  db: DatabaseSync,
  name: string,
  holder: string,
  ttlMs: number,
): Lease | undefined {
  const row = db
    .prepare(
      `insert into lease (name, holder, generation, expires_at_ms, ttl_ms)
       values (?1, ?2, 1, ${NOW} + ?3, ?3)
       on conflict (name) do update set holder = excluded.holder, generation = lease.generation + 1,
         expires_at_ms = excluded.expires_at_ms, ttl_ms = excluded.ttl_ms
       where lease.holder = excluded.holder or ${IS_OVER}
       returning generation`,
    )
    .get(name, holder, ttlMs);
  return row === undefined ? undefined : { name, holder, generation: integerIn(row, 'generation') };
}

export function renewLease(
  db: DatabaseSync,
  { name, holder, generation }: Lease,
  ttlMs: number,
): boolean {
  const { changes } = db
    .prepare(
      `update lease set expires_at_ms = ${NOW} + ?4, ttl_ms = ?4
       where name = ?1 and holder = ?2 and generation = ?3`,
    )
    .run(name, holder, generation, ttlMs);
  return Number(changes) === 1;
}

export function releaseLease(db: DatabaseSync, { name, holder, generation }: Lease): void {
  db.prepare(
    'update lease set expires_at_ms = 0 where name = ? and holder = ? and generation = ?',
  ).run(name, holder, generation);
}

/** 0 where there is no such lease. */
export function leaseGeneration(db: DatabaseSync, name: string): number {
  const row = db.prepare('select generation from lease where name = ?').get(name);
  return row === undefined ? 0 : integerIn(row, 'generation');
}

export function heldLeases(db: DatabaseSync, prefix: string): readonly Lease[] {
  const rows = db
    .prepare(
      `select name, holder, generation from lease
       where substr(name, 1, length(?1)) = ?1 and not ${IS_OVER} order by name`,
    )
    .all(prefix);
  return rows.map((row) => ({
    name: textIn(row, 'name'),
    holder: textIn(row, 'holder'),
    generation: integerIn(row, 'generation'),
  }));
}
