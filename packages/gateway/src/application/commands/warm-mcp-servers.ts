import { z } from 'zod';
import { atMost } from '../at-most.ts';
import { findServer } from '../server-facts.ts';
import { defineCommand, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';

export interface WarmedMcpServers {
  readonly warmed: readonly string[];
  readonly alreadyWarm: readonly string[];
  readonly failed: readonly { readonly id: string; readonly error: unknown }[];
}

export const warmMcpServers = defineCommand({
  name: 'warm_mcp_servers',
  input: () => z.strictObject({ ids: z.array(z.string()).max(10_000).optional() }),
  permission: 'mcp_servers:lifecycle',
  summary: 'Start several MCP servers, or all of them, so that their first calls need not wait.',
  async run(deps, { ids }, context): Promise<WarmedMcpServers> {
    const all = ids ?? deps.fleet.standalone.map(({ spec }) => String(spec.id));
    const wanted = withoutGroups(deps, distinct(all));
    const ends = new Map<string, End>();
    await atMost(deps.startConcurrency, wanted, async (id) => {
      if (context.signal.aborted) return;
      // One that fails keeps nobody else from starting.
      ends.set(id, await warmOne(deps, id, context).catch((error: unknown) => ({ error })));
    });
    return {
      warmed: wanted.filter((id) => ends.get(id) === 'warmed'),
      alreadyWarm: wanted.filter((id) => ends.get(id) === 'already warm'),
      failed: wanted.flatMap((id) => {
        const end = ends.get(id);
        return typeof end === 'object' ? [{ id, error: end.error }] : [];
      }),
    };
  },
});

type End = 'warmed' | 'already warm' | { readonly error: unknown };

const distinct = (ids: readonly string[]): readonly string[] => [...new Set(ids)];

/** A group is no server to be started; its members are, by their ids. */
const withoutGroups = ({ fleet }: UseCaseDeps, ids: readonly string[]): readonly string[] =>
  ids.filter((id) => !fleet.groups.some(({ spec }) => spec.id === id));

async function warmOne(deps: UseCaseDeps, id: string, context: UseCaseContext): Promise<End> {
  const server = findServer(deps, id);
  if (server.running.length > 0) return 'already warm';
  await server.start(context.caller.user);
  context.progress('ready', `MCP server "${id}" is ready`);
  return 'warmed';
}
