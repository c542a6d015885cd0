/** Several gateways of one user on one configuration: they share a home, so they share a state folder. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  COMMAND,
  environment,
  startGatewayIn,
  type Config,
  type GatewayProcess,
} from './gateway.ts';
import { StdioClient, type StdioOptions } from './stdio.ts';
import { until } from './until.ts';
import { Journal } from './upstream.ts';

const GONE_MS_MAX = 15_000;

export class Household implements AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly journal: Journal;
  readonly #members: AsyncDisposable[] = [];

  /** @param config of the file; it may need the journal */
  constructor(config: (journal: Journal) => Config) {
    this.folder = mkdtempSync(join(tmpdir(), 'hangar-home-'));
    this.file = join(this.folder, 'config.yaml');
    this.journal = new Journal(this.folder);
    this.write(config(this.journal));
  }

  /** Replaces the configuration. */
  write(config: Config): void {
    writeFileSync(this.file, JSON.stringify(config, undefined, 2));
  }

  /** A client on a gateway that was started for it; nothing is said yet. */
  start(...flags: readonly string[]): StdioClient {
    const client = StdioClient.at({
      command: process.execPath,
      args: [COMMAND, 'serve', '--config', this.file, '--log-level', 'debug', ...flags],
      cwd: this.folder,
      env: environment(this.folder),
    });
    this.#members.push(client);
    return client;
  }

  /** The same with the session of a legacy client. */
  async open(options: StdioOptions = {}, ...flags: readonly string[]): Promise<StdioClient> {
    const client = this.start(...flags);
    await client.initialize(options);
    return client;
  }

  async http(...flags: readonly string[]): Promise<GatewayProcess> {
    const gateway = await startGatewayIn(this.folder, this.file, { flags, staysBehind: true });
    this.#members.push(gateway);
    return gateway;
  }

  /** The state folders, one for each configuration. */
  stateFolders(): readonly string[] {
    const base = join(this.folder, '.local', 'state', 'mcp-hangar');
    return readdirSync(base).map((name) => join(base, name));
  }

  /** The processes that run in this home. Linux only. */
  processes(): readonly number[] {
    return readdirSync('/proc').flatMap((name) =>
      /^\d+$/.test(name) && environmentOf(name).includes(`HOME=${this.folder}\0`)
        ? [Number(name)]
        : [],
    );
  }

  /** Resolves when nothing of any gateway runs any more. */
  async empty(): Promise<void> {
    await until('no process is left', () => this.processes().length === 0, GONE_MS_MAX);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#members.map((member) => member[Symbol.asyncDispose]()));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function environmentOf(pid: string): string {
  try {
    return `${readFileSync(`/proc/${pid}/environ`, 'utf8')}\0`;
  } catch {
    return ''; // it ended
  }
}
