/** One gateway with a server for each fault, a calm one that is called all the time, and what the log says of them. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { LegacyClient, textOf } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import { startGatewayIn, type Config, type GatewayProcess } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';

const CALM_EVERY_MS = 20;

export interface Ending {
  readonly message: Message;
  /** The code of the gateway's error; undefined where the call succeeded. */
  readonly code: string | undefined;
  readonly waitedMs: number;
}

export interface RigOptions {
  readonly servers: Readonly<Record<string, Config>>;
  /** Of the configuration, beside the servers. */
  readonly keys?: Config;
  readonly flags?: readonly string[];
  readonly folder?: string;
}

export class Rig implements AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly folder: string;
  readonly #file: string;
  readonly #flags: readonly string[];
  readonly #clients = new Map<string, LegacyClient>();
  readonly #calmFailures: string[] = [];
  #calm: Promise<void> | undefined;
  #calmCall: Promise<void> | undefined;
  #isOver = false;

  private constructor(gateway: GatewayProcess, folder: string, flags: readonly string[]) {
    this.gateway = gateway;
    this.folder = folder;
    this.#file = join(folder, 'config.yaml');
    this.#flags = flags;
  }

  static async start({ servers, keys = {}, flags = [], folder }: RigOptions): Promise<Rig> {
    const home = folder ?? mkdtempSync(join(tmpdir(), 'hangar-faults-'));
    const file = join(home, 'config.yaml');
    await writeFile(file, JSON.stringify({ ...keys, mcp_servers: servers }));
    const gateway = await startGatewayIn(home, file, { flags });
    return new Rig(gateway, home, flags);
  }

  async client(server: string): Promise<LegacyClient> {
    const known = this.#clients.get(server);
    if (known !== undefined) return known;
    const client = await LegacyClient.open(this.gateway.url(server));
    this.#clients.set(server, client);
    return client;
  }

  async call(server: string, tool: string, args: unknown = {}): Promise<Ending> {
    const client = await this.client(server);
    const beganAtMs = performance.now();
    const message = await client.call(tool, args).answer();
    const data = message.error?.data;
    const code =
      typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
    return {
      message,
      code: message.error === undefined ? undefined : String(code),
      waitedMs: performance.now() - beganAtMs,
    };
  }

  async pidOf(server: string): Promise<number> {
    return Number(textOf((await this.call(server, 'pid')).message));
  }

  async stateOf(server: string): Promise<string> {
    const { servers } = await json<{ servers: { id: string; state: string }[] }>(
      { folder: this.folder, file: this.#file },
      'list',
      '--json',
      ...this.#stateFlags,
    );
    return servers.find(({ id }) => id === server)?.state ?? 'unknown';
  }

  /** What `/health/ready` answers. */
  async readiness(): Promise<number> {
    return (await fetch(`${this.gateway.origin}/health/ready`)).status;
  }

  async stop(server: string): Promise<void> {
    await hangar({ folder: this.folder, file: this.#file }, 'stop', server, ...this.#stateFlags);
  }

  /** The types of the events of a server, oldest first. */
  async eventsOf(server: string): Promise<readonly string[]> {
    const home = { folder: this.folder, file: this.#file };
    const asked = ['events', '--server', server, '--json', '--limit', '1000'];
    const { stdout } = await hangar(home, ...asked, ...this.#stateFlags);
    // One object a line, as documented.
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { event_type: string }).event_type);
  }

  get #stateFlags(): readonly string[] {
    const at = this.#flags.indexOf('--state-dir');
    return at < 0 ? [] : this.#flags.slice(at, at + 2);
  }

  /** Calls the server "calm" from now on, until the end. */
  callCalm(): void {
    const loop = async (): Promise<void> => {
      while (!this.#isOver) {
        this.#calmCall = this.call('calm', 'echo').then(({ message: { error } }) => {
          if (error !== undefined) this.#calmFailures.push(error.message);
        });
        await this.#calmCall;
        await new Promise((resolve) => setTimeout(resolve, CALM_EVERY_MS));
      }
    };
    this.#calm = loop();
  }

  /** What went wrong with the calm server since it was asked last, the call under way included. */
  async calmFailures(): Promise<readonly string[]> {
    await this.#calmCall;
    return this.#calmFailures.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#calm;
    await this.gateway[Symbol.asyncDispose]();
  }
}
