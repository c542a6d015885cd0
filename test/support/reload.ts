/** A household whose gateway reads its configuration again. */
import type { LegacyClient } from './clients.ts';
import { hangar, json, type Home } from './command-line.ts';
import type { Config, GatewayProcess } from './gateway.ts';
import { Household } from './household.ts';
import { settled } from './until.ts';

/** Nobody reloads but who says so. */
export const UNWATCHED = { config_reload: { enabled: false } };

export const configOf = (servers: Config, rest: Config = UNWATCHED): Config => ({
  mcp_servers: servers,
  ...rest,
});

export interface ReloadAnswer {
  readonly identical: boolean;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  readonly restarted: readonly string[];
}

export const reload = (house: Home, ...flags: readonly string[]): Promise<ReloadAnswer> =>
  json<ReloadAnswer>(house, 'reload', '--json', ...flags);

/** A household whose gateway serves and is told when to reload. */
export class Served {
  #house: Household | undefined;
  #gateway: GatewayProcess | undefined;

  get house(): Household {
    if (this.#house === undefined) throw new Error('nothing has begun');
    return this.#house;
  }

  get gateway(): GatewayProcess {
    if (this.#gateway === undefined) throw new Error('nothing has begun');
    return this.#gateway;
  }

  /** In the place of the one before. */
  async begin(servers: Config, rest: Config = UNWATCHED): Promise<void> {
    await this.end();
    this.#house = new Household(() => configOf(servers, rest));
    this.#gateway = await this.#house.http();
  }

  changeTo(servers: Config, rest: Config = UNWATCHED): Promise<ReloadAnswer> {
    this.house.write(configOf(servers, rest));
    return reload(this.house);
  }

  /** @throws Error where the log of the gateway tells of a defect */
  async end(): Promise<void> {
    const [house, log] = [this.#house, this.#gateway?.stderr() ?? ''];
    [this.#house, this.#gateway] = [undefined, undefined];
    await house?.[Symbol.asyncDispose]();
    if (/"defect|defect_/.test(log)) throw new Error(log);
  }
}

export async function toolNames(client: LegacyClient): Promise<readonly string[]> {
  const { result } = await client.request('tools/list').answer();
  const tools = (result?.['tools'] ?? []) as readonly { readonly name: string }[];
  return tools.map(({ name }) => name);
}

/** The data of the recorded events whose types begin so, in order. */
export const eventsOf = (house: Home, type: string): Promise<readonly Record<string, unknown>[]> =>
  settled(() => readEvents(house, type));

async function readEvents(house: Home, type: string): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await hangar(house, 'events', '--json');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { event_type: string; data: Record<string, unknown> })
    .filter(({ event_type: of }) => of.startsWith(type))
    .map(({ data }) => data);
}
