import { z } from 'zod';
import { findServer } from '../server-facts.ts';
import { defineCommand, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';

export interface WarmedMcpServers {
  readonly warmed: readonly string[];
  readonly alreadyWarm: readonly string[];
  readonly failed: readonly { readonly id: string; readonly error: unknown }[];
}

export const warmMcpServers = defineCommand({
  name: 'warm_mcp_servers',
  input: z.strictObject({ ids: z.array(z.string()).max(10_000).optional() }),
  permission: 'mcp_servers:lifecycle',
  summary: 'Start several MCP servers, or all of them, so that their first calls need not wait.',
  async run(deps, { ids }, context): Promise<WarmedMcpServers> {
    const wanted = [...new Set(ids ?? deps.servers.map(({ spec }) => String(spec.id)))];
    const failures = new Map<string, unknown>();
    const warm: string[] = [];
    const alreadyWarm: string[] = [];
    const next = wanted.values();
    const work = async (): Promise<void> => {
      for (const id of next) {
        if (context.signal.aborted) return;
        try {
          if (isWarm(deps, id)) alreadyWarm.push(id);
          else {
            await startOne(deps, id, context);
            warm.push(id);
          }
        } catch (error) {
          failures.set(id, error); // one that fails keeps nobody else from starting
        }
      }
    };
    await Promise.all(Array.from({ length: deps.startConcurrency }, work));
    const inOrder = (list: readonly string[]): readonly string[] =>
      wanted.filter((id) => list.includes(id));
    return {
      warmed: inOrder(warm),
      alreadyWarm: inOrder(alreadyWarm),
      failed: wanted.flatMap((id) => (failures.has(id) ? [{ id, error: failures.get(id) }] : [])),
    };
  },
});

const isWarm = (deps: UseCaseDeps, id: string): boolean => findServer(deps, id).running.length > 0;

async function startOne(deps: UseCaseDeps, id: string, context: UseCaseContext): Promise<void> {
  await findServer(deps, id).start(context.caller.user);
  context.progress('ready', `MCP server "${id}" is ready`);
}
