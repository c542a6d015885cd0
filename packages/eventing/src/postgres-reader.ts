/** The questions that readers ask an event log in PostgreSQL. Pages are bounded in bytes before they are sent. */
import type { ClientBase } from 'pg';
import type { EventPage, Position, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { checkPageSize, PAGE_CHARS_MAX } from './page.ts';
import { countOf } from './position.ts';
import { inSchema } from './postgres-schema.ts';
import { integerIn, readRow, textIn, type UntrustedRow } from './stored-row.ts';

/** Rows of one page, whatever its caller asks: they are counted before they are sent. */
const PAGE_ROWS_MAX = 10_000;

export interface StreamVersion {
  readonly stream: string;
  readonly version: number;
}

interface Page {
  readonly events: readonly StoredEvent[];
  readonly isAll: boolean;
}

const COLUMNS =
  'position, stream, version, id, type, schema_version, occurred_at_ms, produced_by, data';

/**
 * Rows of `from`, one more than are given ($2), up to the row that reaches the bytes of a page ($3); `has_next` says
 * that there was another row behind one. `octet_length` does not unpack what is stored packed.
 */
export const pageOf = (from: string, order: string): string => `
  select ${COLUMNS}, has_next from (
    select ${COLUMNS},
      (lead(true) over w is not null)::int as has_next,
      row_number() over w as n,
      coalesce(sum(octet_length(data)) over
        (order by ${order} rows between unbounded preceding and 1 preceding), 0) as bytes_before
    from (select ${COLUMNS} from ${from} order by ${order} limit $2 + 1) fetched
    window w as (order by ${order})
  ) page where n <= $2 and bytes_before < $3 order by ${order}`;

export class PostgresReader {
  readonly #stream: string;
  readonly #forward: string;
  readonly #backward: string;
  readonly #version: string;
  readonly #streams: string;

  constructor(schema: string) {
    const event = inSchema(schema, 'event');
    this.#stream = pageOf(`${event} where stream = $1 and version >= $4`, 'version');
    this.#forward = pageOf(`${event} where position > $1`, 'position');
    this.#backward = pageOf(`${event} where position < $1`, 'position desc');
    this.#version = `select version from ${event} where stream = $1 order by version desc limit 1`;
    // From one stream to the next through the index, however many events they have.
    this.#streams = `
      with recursive found(stream) as (
        (select stream from ${event} where stream >= $1 and stream > $2 order by stream limit 1)
        union all
        select (select e.stream from ${event} e where e.stream > found.stream order by e.stream limit 1)
        from found where starts_with(found.stream, $1)
      )
      select stream,
        (select e.version from ${event} e where e.stream = found.stream order by e.version desc limit 1) as version
      from found where starts_with(stream, $1) limit $3`;
  }

  async read(
    client: ClientBase,
    stream: string,
    from: number,
    max: number,
  ): Promise<Page['events']> {
    const values = [stream, Math.min(checkPageSize(max), PAGE_ROWS_MAX), PAGE_CHARS_MAX, from];
    const { events } = await page(client, ['stream', this.#stream], values);
    return events;
  }

  async readAll(client: ClientBase, after: Position | undefined, max: number): Promise<EventPage> {
    const from = after === undefined ? 0 : countOf(after);
    const values = [from, Math.min(checkPageSize(max), PAGE_ROWS_MAX), PAGE_CHARS_MAX];
    return asPage(await page(client, ['forward', this.#forward], values), after);
  }

  async readAllBackward(
    client: ClientBase,
    before: Position | undefined,
    max: number,
  ): Promise<EventPage> {
    const from = before === undefined ? Number.MAX_SAFE_INTEGER : countOf(before);
    const values = [from, Math.min(checkPageSize(max), PAGE_ROWS_MAX), PAGE_CHARS_MAX];
    return asPage(await page(client, ['backward', this.#backward], values), before);
  }

  async version(client: ClientBase, stream: string): Promise<number> {
    const { rows } = await client.query<UntrustedRow>({
      name: 'version',
      text: this.#version,
      values: [stream],
    });
    return rows[0] === undefined ? 0 : integerIn(rows[0], 'version');
  }

  /** At most `max` streams whose names begin with `prefix` and come behind `after`. */
  async streams(
    client: ClientBase,
    prefix: string,
    after: string,
    max: number,
  ): Promise<readonly StreamVersion[]> {
    const { rows } = await client.query<UntrustedRow>(this.#streams, [prefix, after, max]);
    return rows.map((row) => ({
      stream: textIn(row, 'stream'),
      version: integerIn(row, 'version'),
    }));
  }
}

async function page(
  client: ClientBase,
  [name, text]: readonly [string, string],
  values: readonly unknown[],
): Promise<Page> {
  const { rows } = await client.query<UntrustedRow>({ name, text, values: [...values] });
  const last = rows.at(-1);
  return {
    events: rows.map(readRow),
    isAll: last === undefined || integerIn(last, 'has_next') === 0,
  };
}

const asPage = ({ events, isAll }: Page, given: Position | undefined): EventPage => ({
  events,
  next: events.at(-1)?.position ?? given,
  isHead: isAll,
});
