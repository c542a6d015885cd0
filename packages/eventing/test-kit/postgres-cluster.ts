/** A PostgreSQL server of a test's own, in a temporary folder, behind a socket in it and a port of the loopback. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { Secret } from '@mcp-hangar/kernel/secret';
import { until } from '../../../test/support/until.ts';

/** Where Debian has them; elsewhere `pg_config` knows. */
const DEBIAN = '/usr/lib/postgresql/*/bin';
const START_MS_MAX = 20_000;
const PASSWORD = 'correct horse battery staple';

/** Anybody may come through the socket; through the port a password is needed. */
const ACCESS = 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Folder with `initdb` and `postgres`, of the newest version. */
function programs(): string | undefined {
  const debian = globSync(DEBIAN).toSorted((one, other) =>
    other.localeCompare(one, 'en', { numeric: true }),
  );
  const hasServer = (folder: string): boolean => existsSync(join(folder, 'postgres'));
  const found = debian.find(hasServer);
  if (found !== undefined) return found;
  const folder = execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
  return hasServer(folder) ? folder : undefined;
}

/** The server refuses to run as root; undefined = as whoever runs the test. */
function owner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** For `needs('postgresql', …)`. */
export function hasPostgres(): boolean {
  try {
    owner();
    return programs() !== undefined;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

/** A process that nobody has waited for holds nothing any more. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

export class PostgresCluster implements AsyncDisposable {
  readonly folder: string;
  readonly #programs: string;
  readonly #owner: Owner | undefined;
  readonly #port: number;
  #server: ChildProcess | undefined;
  #databasesCount = 0;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.#programs = programs() ?? '';
    this.#owner = owner();
    this.#port = port;
  }

  static async start(): Promise<PostgresCluster> {
    return PostgresCluster.startIn(tmpdir());
  }

  /** In a new folder in this one; `flags` are those of `initdb`. */
  static async startIn(parent: string, ...flags: string[]): Promise<PostgresCluster> {
    const folder = mkdtempSync(join(parent, 'hangar-pg-'));
    const cluster = new PostgresCluster(folder, await freePort());
    cluster.#init(flags);
    await cluster.start();
    return cluster;
  }

  async start(): Promise<void> {
    const settings = [
      `unix_socket_directories=${this.folder}`,
      `listen_addresses=127.0.0.1`,
      `port=${this.#port}`,
      `max_connections=60`,
      `shared_buffers=16MB`,
    ];
    const server = spawn(
      join(this.#programs, 'postgres'),
      ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])],
      { ...this.#owner, cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2_000);
    });
    process.once('exit', () => server.kill('SIGQUIT'));
    this.#server = server;
    await until(
      'PostgreSQL accepts connections',
      async () => {
        if (hasEnded(server)) throw new Error(`PostgreSQL ended: ${said}`);
        return this.query('postgres', 'select 1').catch(() => false as const);
      },
      START_MS_MAX,
    );
  }

  /** Where it ended by itself. */
  async startAgain(): Promise<void> {
    if (this.#server === undefined || hasEnded(this.#server)) await this.start();
  }

  /** `SIGQUIT` ends it at once, as a crash does; `SIGINT` disconnects everybody first. */
  async stop(signal: 'SIGQUIT' | 'SIGINT'): Promise<void> {
    const server = this.#server;
    if (server === undefined || hasEnded(server)) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  }

  /** `SIGKILL` to the server and all of its processes: nothing is written, nobody is told. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined || hasEnded(server)) return;
    const exited = once(server, 'exit');
    server.kill('SIGSTOP'); // so that it makes no more of them
    const pids = this.#pids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await exited;
    await until('nothing of it is left', () => !pids.some(isAlive));
  }

  /** The server and all of its processes stand still until `SIGCONT`. */
  signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.#pids()) process.kill(pid, signal);
  }

  /** A new, empty database; the address goes through the socket. */
  async createDatabase(options = ''): Promise<Secret> {
    this.#databasesCount += 1;
    const name = `test_${this.#databasesCount}`;
    await this.query('postgres', `create database ${name} ${options}`);
    return this.urlOf(name);
  }

  urlOf(database: string): Secret {
    const host = encodeURIComponent(this.folder);
    return new Secret(`postgresql:///${database}?host=${host}&port=${this.#port}&user=postgres`);
  }

  /** Through the port. */
  tcpUrlOf(database: string, user: string, password = PASSWORD): Secret {
    const credentials = `${user}:${encodeURIComponent(password)}`;
    return new Secret(`postgresql://${credentials}@127.0.0.1:${this.#port}/${database}`);
  }

  /** Answers the rows of the last statement. */
  async query(database: string, sql: string): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.urlOf(database).reveal() });
    client.on('error', () => undefined); // what is under way tells
    try {
      await client.connect();
      const result: unknown = await client.query(sql);
      const last: unknown = Array.isArray(result) ? result.at(-1) : result;
      const hasRows = typeof last === 'object' && last !== null && 'rows' in last;
      return hasRows && Array.isArray(last.rows) ? last.rows : [];
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGQUIT');
    rmSync(this.folder, { recursive: true });
  }

  #pids(): readonly number[] {
    const pid = this.#server?.pid ?? 0;
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], {
      encoding: 'utf8',
    });
    return [pid, ...children.trim().split(/\s+/).map(Number)];
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  #init(flags: readonly string[]): void {
    if (this.#owner !== undefined) chownSync(this.folder, this.#owner.uid, this.#owner.gid);
    execFileSync(
      join(this.#programs, 'initdb'),
      [
        '-D',
        this.#data,
        '-U',
        'postgres',
        '--encoding=UTF8',
        '--locale=C',
        '-A',
        'trust',
        '--no-sync',
        ...flags,
      ],
      { ...this.#owner, cwd: this.folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    writeFileSync(join(this.#data, 'pg_hba.conf'), ACCESS);
  }
}
