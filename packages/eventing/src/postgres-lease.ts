/** Leases in the database of the log, by its clock. Each change is one statement. */
import type { ClientBase } from 'pg';
import type { Lease } from '@mcp-hangar/kernel/lease';
import { inSchema } from './postgres-schema.ts';
import { integerIn, textIn, type UntrustedRow } from './stored-row.ts';

const NOW = 'clock_timestamp()';
const FROM_NOW = (parameter: string): string =>
  `${NOW} + ${parameter}::bigint * interval '1 millisecond'`;
/** A clock that was set back would make a lease last: one that ends further ahead than it was given for is over. */
const IS_OVER = `(kept.expires_at <= ${NOW} or kept.expires_at > ${FROM_NOW('kept.ttl_ms')})`;

export async function acquireLease(
  client: ClientBase,
  schema: string,
  { name, holder }: Omit<Lease, 'generation'>,
  ttlMs: number,
): Promise<Lease | undefined> {
  const { rows } = await client.query<UntrustedRow>(
    `insert into ${inSchema(schema, 'lease')} as kept (name, holder, generation, expires_at, ttl_ms)
     values ($1, $2, 1, ${FROM_NOW('$3')}, $3::bigint)
     on conflict (name) do update set holder = excluded.holder, generation = kept.generation + 1,
       expires_at = ${FROM_NOW('excluded.ttl_ms')}, ttl_ms = excluded.ttl_ms
     where kept.holder = excluded.holder or ${IS_OVER}
     returning generation`,
    [name, holder, ttlMs],
  );
  const [row] = rows;
  return row === undefined ? undefined : { name, holder, generation: integerIn(row, 'generation') };
}

export async function renewLease(
  client: ClientBase,
  schema: string,
  { name, holder, generation }: Lease,
  ttlMs: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update ${inSchema(schema, 'lease')} set expires_at = ${FROM_NOW('$4')}, ttl_ms = $4::bigint
     where name = $1 and holder = $2 and generation = $3`,
    [name, holder, generation, ttlMs],
  );
  return rowCount === 1;
}

export async function releaseLease(
  client: ClientBase,
  schema: string,
  { name, holder, generation }: Lease,
): Promise<void> {
  await client.query(
    `update ${inSchema(schema, 'lease')} set expires_at = '-infinity'
     where name = $1 and holder = $2 and generation = $3`,
    [name, holder, generation],
  );
}

export async function heldLeases(
  client: ClientBase,
  schema: string,
  prefix: string,
): Promise<readonly Lease[]> {
  const { rows } = await client.query<UntrustedRow>(
    `select name, holder, generation from ${inSchema(schema, 'lease')} kept
     where starts_with(name, $1) and not ${IS_OVER} order by name`,
    [prefix],
  );
  return rows.map((row) => ({
    name: textIn(row, 'name'),
    holder: textIn(row, 'holder'),
    generation: integerIn(row, 'generation'),
  }));
}
