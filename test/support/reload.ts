/** A household whose gateway reads its configuration again. */
import type { LegacyClient } from './clients.ts';
import { hangar, json, type Home } from './command-line.ts';
import type { Config } from './gateway.ts';
import type { Message } from './http.ts';
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

/** Of the only text of a tool's result. */
export function textOf({ result, error }: Message): string {
  if (error !== undefined) return `error: ${error.message}`;
  const [first] = (result?.['content'] ?? []) as readonly { readonly text: string }[];
  return first?.text ?? '';
}

export const pidOf = async (client: LegacyClient, server: string): Promise<string> =>
  textOf(await client.call(`${server}__pid`).answer());

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

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
