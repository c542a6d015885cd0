/** Groups of the misbehaving fixture, and who of them served a call. */
import { LegacyClient, pidOf, structuredOf } from './clients.ts';
import type { Config, GatewayProcess } from './gateway.ts';
import type { Message } from './http.ts';

/** A group whose members are defined in it, by their ids. */
export const groupOf = (members: Readonly<Record<string, Config>>, keys: Config = {}): Config => ({
  mode: 'group',
  members: Object.entries(members).map(([id, member]) => ({ id, ...member })),
  ...keys,
});
export const pidsOf = async (client: LegacyClient, times: number): Promise<readonly string[]> => {
  const pids: string[] = [];
  for (let call = 0; call < times; call += 1) pids.push(await pidOf(client));
  return pids;
};
/** Waits until every member of a group serves: they start in the background, in no fixed order. */
export const startAll = async (gateway: GatewayProcess, group = 'pool'): Promise<void> => {
  const client = await LegacyClient.open(gateway.url());
  const answer = await client.call('registry_start', { provider: group }).answer();
  const { members_started, total_members } = structuredOf(answer);
  if (members_started !== total_members) throw new Error(JSON.stringify(answer));
};
export const toolsIn = (message: Message): readonly string[] =>
  ((message.result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name);
/** How often each one occurs, the most frequent first. */
export const countsOf = (values: readonly string[]): readonly number[] => {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].toSorted((a, b) => b - a);
};
