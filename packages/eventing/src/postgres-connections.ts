/**
 * The connections of one store to its database: one that appends, and a bounded number for everything else.
 *
 * Invariants
 * 1. Whoever uses a connection gives it up within `answerMsMax`; what is not over then is abandoned with it.
 * 2. A connection on which anything failed is not used again; the next use opens another one.
 * 3. No message has the URL or the password in it.
 * 4. Where the server takes no further connection, one that rests serves for either purpose.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, DatabaseError, Pool, types, type PoolClient, type PoolConfig } from 'pg';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Secret } from '@mcp-hangar/kernel/secret';
import { failureOf, problemOf, TooSlow, type Failure } from './postgres-problem.ts';

const CONNECT_MS_MAX = 5_000;
/** The server gives up earlier than this side does, so that its answer says what came of it. */
const SERVER_SHARE = 0.8;
const IDLE_MS_MAX = 60_000;
const KEEP_ALIVE_MS = 10_000;
const END_MS_MAX = 2_000;
/** Server, database or role have as many connections as they may. */
const TOO_MANY_CONNECTIONS = '53300';
/** How long it is not asked for another one then, where one rests. */
const FULL_MS = 10_000;
const INT8 = 20;

export interface ConnectionOptions {
  readonly url: Secret;
  /** Of this store; at least two. */
  readonly connectionsMax: number;
  readonly answerMsMax: number;
}

/** A failed use, with what came of it. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly failure: Failure;
  constructor(failure: Failure, cause: unknown) {
    super(problemOf(cause), { cause });
    this.failure = failure;
  }
}

/** Integers of 64 bits are numbers; those that no number holds are refused where a row is read. */
const numbers: PoolConfig['types'] = {
  getTypeParser: (oid, format) => (oid === INT8 ? Number : types.getTypeParser(oid, format)),
};

/** @throws Fault CONFIG_INVALID */
function configOf(url: Secret): PoolConfig {
  const config: PoolConfig = {
    connectionString: url.reveal(),
    application_name: 'mcp-hangar',
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: numbers,
  };
  try {
    void new Client(config);
  } catch {
    // What it threw quotes the URL, with the password.
    throw new Fault('CONFIG_INVALID', 'The URL of the PostgreSQL database cannot be read');
  }
  return config;
}

/**
 * Which log is meant, for messages; nothing secret.
 * @throws Fault CONFIG_INVALID
 */
export function logName(url: Secret, schema: string): string {
  const { host, port, database } = new Client(configOf(url));
  return `${host}:${port}/${database ?? ''}, schema ${schema}`;
}

type Work<T> = (client: PoolClient) => Promise<T>;

export class PostgresConnections {
  readonly #answerMsMax: number;
  readonly #appending: Pool;
  readonly #asking: Pool;
  readonly #closed = new AbortController();
  readonly #isSetUp = new WeakSet<PoolClient>();
  /** By `performance.now()`. */
  #fullUntilMs = 0;

  /**
   * Connects to nothing yet.
   * @throws Fault CONFIG_INVALID
   */
  constructor({ url, connectionsMax, answerMsMax }: ConnectionOptions) {
    this.#answerMsMax = answerMsMax;
    const config = { ...configOf(url), idleTimeoutMillis: IDLE_MS_MAX, allowExitOnIdle: true };
    this.#appending = new Pool({ ...config, max: 1 });
    this.#asking = new Pool({ ...config, max: Math.max(1, connectionsMax - 1) });
    for (const pool of [this.#appending, this.#asking]) {
      pool.on('error', () => undefined); // an idle connection ended; the pool has forgotten it
    }
  }

  /** @throws Failed */
  async append<T>(work: Work<T>): Promise<T> {
    return this.#use(this.#appending, work, this.#answerMsMax);
  }

  /** @throws Failed */
  async ask<T>(work: Work<T>, limitMs: number = this.#answerMsMax): Promise<T> {
    return this.#use(this.#asking, work, limitMs);
  }

  /** Whoever is using a connection fails. */
  async close(): Promise<void> {
    this.#closed.abort();
    const ended = Promise.allSettled([this.#appending.end(), this.#asking.end()]);
    // A server that hangs does not say good-bye.
    await Promise.race([ended, delay(END_MS_MAX, undefined, { ref: false })]);
  }

  async #use<T>(pool: Pool, work: Work<T>, limitMs: number): Promise<T> {
    let wasSent = false;
    let client: PoolClient;
    try {
      client = await this.#connect(pool);
    } catch (error) {
      throw new Failed(failureOf(error, false), error);
    }
    client.on('error', ignore); // what is under way tells
    try {
      const result = await this.#within(limitMs, async () => {
        await this.#setUp(client);
        wasSent = true;
        return await work(client);
      });
      client.off('error', ignore);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw new Failed(failureOf(error, wasSent), error);
    }
  }

  async #connect(pool: Pool): Promise<PoolClient> {
    const other = pool === this.#appending ? this.#asking : this.#appending;
    const mayBorrow = (): boolean => pool.idleCount === 0 && other.idleCount > 0;
    if (performance.now() < this.#fullUntilMs && mayBorrow()) return other.connect();
    try {
      return await pool.connect();
    } catch (error) {
      const isFull = error instanceof DatabaseError && error.code === TOO_MANY_CONNECTIONS;
      if (!isFull) throw error;
      this.#fullUntilMs = performance.now() + FULL_MS;
      if (!mayBorrow()) throw error;
      return other.connect();
    }
  }

  /**
   * Once for each connection: what a database or a role sets by default is not what a log needs. Plans are kept, and
   * one that was made while the log was small would look through all of it for each event when it is large.
   */
  async #setUp(client: PoolClient): Promise<void> {
    if (this.#isSetUp.has(client)) return;
    const serverMsMax = Math.ceil(this.#answerMsMax * SERVER_SHARE);
    await client.query(
      `set default_transaction_isolation = 'read committed';
       set default_transaction_read_only = off;
       set enable_seqscan = off;
       set jit = off;
       set statement_timeout = ${serverMsMax};
       set lock_timeout = ${Math.ceil(serverMsMax / 2)};
       set idle_in_transaction_session_timeout = ${serverMsMax}`,
    );
    this.#isSetUp.add(client);
  }

  async #within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#closed;
    const working = work();
    working.catch(ignore); // where it loses the race
    let [limit, onClosed]: [NodeJS.Timeout | undefined, () => void] = [undefined, ignore];
    const over = new Promise<never>((_, reject) => {
      limit = setTimeout(() => {
        reject(new TooSlow(`no answer for ${limitMs} ms`));
      }, limitMs);
      onClosed = (): void => {
        reject(new TooSlow('it is closed'));
      };
      signal.addEventListener('abort', onClosed);
    });
    try {
      return await Promise.race([working, over]);
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', onClosed);
    }
  }
}

function ignore(): void {
  // Told elsewhere.
}
