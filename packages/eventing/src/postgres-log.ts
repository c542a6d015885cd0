/** An event log in a schema of a database: what can be asked of it, and what is told where it fails. */
import type { PoolClient } from 'pg';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { EncodedAppend } from './encoded-append.ts';
import {
  Failed,
  logName,
  PostgresConnections,
  type ConnectionOptions,
} from './postgres-connections.ts';
import { groupValues, outcomesIn, partsOf } from './postgres-group.ts';
import { problemOf } from './postgres-problem.ts';
import { pruneStep } from './postgres-prune.ts';
import { PostgresReader } from './postgres-reader.ts';
import {
  checkCurrent,
  checkSchemaName,
  inSchema,
  migrate,
  schemaVersion,
} from './postgres-schema.ts';
import type { UntrustedRow } from './stored-row.ts';
import type { AppendOutcome, PruneLimits, PruneStep } from './writer-messages.ts';

/** Another process may be at it, and the log may be long. */
const MIGRATE_MS_MAX = 600_000;

export interface PostgresLogOptions extends ConnectionOptions {
  readonly schema: string;
}

type Question<T> = (client: PoolClient, reader: PostgresReader, schema: string) => Promise<T>;

export class PostgresLog {
  readonly #name: string;
  readonly #schema: string;
  readonly #answerMsMax: number;
  readonly #connections: PostgresConnections;
  readonly #reader: PostgresReader;
  readonly #appendSql: string;
  readonly #guardedSql: string;
  /** Its schema was there, in the version that this program knows, and nothing has failed since. */
  #isReady = false;

  /** @throws Fault CONFIG_INVALID; TypeError */
  constructor({ schema, ...options }: PostgresLogOptions) {
    this.#name = logName(options.url, checkSchemaName(schema));
    this.#schema = schema;
    this.#answerMsMax = options.answerMsMax;
    this.#connections = new PostgresConnections(options);
    this.#reader = new PostgresReader(schema);
    this.#appendSql = `select * from ${inSchema(schema, 'append_events')}(${parameters(12)})`;
    this.#guardedSql = `select * from ${inSchema(schema, 'append_guarded')}(${parameters(14)})`;
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async open(): Promise<void> {
    await this.#told(() =>
      this.#connections.ask(
        (client) => migrate(client, this.#schema, MIGRATE_MS_MAX),
        MIGRATE_MS_MAX,
      ),
    );
    this.#isReady = true;
  }

  /**
   * What came of each append; a fault where that part of the group failed.
   * @throws nothing that its parts do not have as outcome
   */
  async append(appends: readonly EncodedAppend[]): Promise<readonly (AppendOutcome | Fault)[]> {
    const outcomes: (AppendOutcome | Fault)[] = [];
    for (const part of partsOf(appends)) {
      try {
        outcomes.push(...(await this.#appendPart(part)));
      } catch (error) {
        const fault = this.faultOf(error);
        outcomes.push(...part.map(() => fault));
      }
    }
    return outcomes;
  }

  /**
   * `nothing` where there is no log yet.
   * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
   */
  async ask<T>(nothing: T, question: Question<T>): Promise<T> {
    const asked = async (): Promise<T> =>
      this.#connections.ask(async (client) =>
        (await this.#canRead(client))
          ? await question(client, this.#reader, this.#schema)
          : nothing,
      );
    return this.#told(async () => {
      try {
        return await asked();
      } catch (error) {
        if (!(error instanceof Failed && error.failure === 'absent')) throw error;
        this.#isReady = false; // somebody removed it
        return nothing;
      }
    });
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async prune(from: number, limits: PruneLimits): Promise<PruneStep> {
    const nothing: PruneStep = { deletedCount: 0, next: undefined };
    return this.ask(nothing, (client) => pruneStep(client, this.#schema, from, limits));
  }

  /**
   * Changes something beside events, in a log that is made where there is none.
   * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
   */
  async change<T>(work: (client: PoolClient, schema: string) => Promise<T>): Promise<T> {
    const done = async (): Promise<T> => {
      await this.#makeReady();
      return this.#connections.ask((client) => work(client, this.#schema));
    };
    try {
      return await done();
    } catch (error) {
      this.#isReady = false;
      if (!(error instanceof Failed && error.failure === 'absent')) throw this.faultOf(error);
    }
    return this.#told(done);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** What failed, for the caller; neither the URL nor the password is in it. */
  faultOf(error: unknown): Fault {
    if (error instanceof Fault) return error;
    const log = `event log "${this.#name}"`;
    if (!(error instanceof Failed)) {
      return new Fault('EVENT_STORE_UNAVAILABLE', `Cannot use ${log}: ${problemOf(error)}`);
    }
    const detail = `Cannot use ${log}: ${error.message}`;
    if (error.failure === 'busy') return new Fault('EVENT_STORE_BUSY', detail);
    const data = error.failure === 'unknown' ? { data: { outcome: 'unknown' } } : {};
    return new Fault('EVENT_STORE_UNAVAILABLE', detail, data);
  }

  closedFault(): Fault {
    return this.faultOf(new Error('it is closed'));
  }

  async #appendPart(part: readonly EncodedAppend[]): Promise<readonly AppendOutcome[]> {
    await this.#makeReady();
    try {
      return await this.#send(part);
    } catch (error) {
      this.#isReady = false;
      if (!(error instanceof Failed && error.failure === 'absent')) throw error;
    }
    // Somebody removed the schema. It is made anew once, as a file is.
    await this.#makeReady();
    return this.#send(part);
  }

  async #makeReady(): Promise<void> {
    if (this.#isReady) return;
    try {
      await this.#connections.append((client) => migrate(client, this.#schema, this.#answerMsMax));
    } catch (error) {
      throw withoutOutcome(error);
    }
    this.#isReady = true;
  }

  async #send(part: readonly EncodedAppend[]): Promise<readonly AppendOutcome[]> {
    const guard = part[0]?.guard;
    const statement =
      guard === undefined
        ? { name: 'append', text: this.#appendSql, values: [...groupValues(part)] }
        : {
            name: 'append guarded',
            text: this.#guardedSql,
            values: [guard.name, guard.generation, ...groupValues(part)],
          };
    return this.#connections.append(async (client) => {
      const { rows } = await client.query<UntrustedRow>(statement);
      return outcomesIn(rows[0] ?? {}, part);
    });
  }

  async #canRead(client: PoolClient): Promise<boolean> {
    if (this.#isReady) return true;
    const version = await schemaVersion(client, this.#schema);
    if (version === 0) return false;
    checkCurrent(version, this.#schema);
    this.#isReady = true;
    return true;
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#isReady = false;
      throw this.faultOf(withoutOutcome(error));
    }
  }
}

const parameters = (count: number): string =>
  Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');

/** Of what stores nothing, it does not matter whether it was done. */
function withoutOutcome(error: unknown): unknown {
  const isUnknown = error instanceof Failed && error.failure === 'unknown';
  return isUnknown ? new Failed('refused', error.cause) : error;
}
