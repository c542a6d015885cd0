import { once } from '@mcp-hangar/kernel/once';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { matchesGlob } from '../../domain/catalog/glob.ts';
import { redactor } from '../../domain/mcp-server/redactor.ts';
import { nearest } from '../../domain/near-names.ts';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { RpcRefusal } from '../calls/ask.ts';
import { callTool, type ToolAnswer } from '../calls/internal-call.ts';
import { findCallable } from '../server-facts.ts';
import { KNOWN_MAX } from '../servers/unknown-fault.ts';
import type { Upstream } from '../servers/upstream.ts';
import { inOrder, watchStart } from '../start-progress.ts';
import { defineCommand, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';

export const TIMEOUT_S_MAX = 3_600;

export const InvokeInput = once(() =>
  z.strictObject({
    id: z.string(),
    tool: z.string(),
    arguments: z.custom<JsonObject>(isObject, 'expected an object').default({}),
    timeoutS: z.number().min(0.1).max(TIMEOUT_S_MAX).default(30),
  }),
);

export const invokeTool = defineCommand({
  name: 'invoke_tool',
  input: InvokeInput,
  permission: 'tool:invoke',
  summary:
    'Call a tool of an MCP server, which is started where it does not run, and pass its result on.',
  run: (deps, input, context) =>
    invoke(deps, input, { ...context, progress: inOrder(context.progress) }),
});

/** How often a call may be tried, the first attempt included; undefined = as the configuration says. */
export interface RetryWish {
  readonly attemptsMax?: number | undefined;
}

/** @throws Fault, RpcRefusal */
export async function invoke(
  deps: UseCaseDeps,
  input: z.output<ReturnType<typeof InvokeInput>> & RetryWish,
  context: UseCaseContext,
): Promise<ToolAnswer> {
  const { caller, correlationId, progress } = context;
  const server = findCallable(deps, input.id);
  const fields = { mcpServerId: input.id, tool: input.tool, correlationId };
  const startedAtMs = deps.clock.nowMs();
  const unwatch = watchStart(deps, server, context);
  try {
    await requireTool(deps, server, input.tool, context);
    const answer = await callTool(deps.send, {
      server,
      user: caller.user,
      tool: input.tool,
      arguments: input.arguments,
      params: { ...caller.params, _meta: metaOf(context) },
      timeoutMs: input.timeoutS * 1_000,
      signal: context.signal,
      onCall: caller.carry,
      onProgress: context.serverProgress,
      attemptsMax: input.attemptsMax,
      onRetry: ({ attempt, error, delayMs }) =>
        progress('retrying', `Attempt ${attempt} in ${delayMs} ms, after ${error}`),
      onSent: () => {
        progress('connecting', `Connected to MCP server "${input.id}"`);
        progress('ready', `MCP server "${input.id}" is ready`);
        progress('executing', `Executing tool "${input.tool}"`);
      },
    });
    progress('processing', 'Processing the answer');
    deps.logger.debug({ ...fields, durationMs: deps.clock.nowMs() - startedAtMs }, 'tool_invoked');
    return answer;
  } catch (error) {
    const clean = redactor(server.members.flatMap(({ spec }) => spec.secrets));
    const reason = clean(messageOf(error));
    deps.logger.info({ ...fields, reason }, 'tool_invocation_failed');
    throw error;
  } finally {
    unwatch();
  }
}

/** What the caller sent, and the id by which logs of both sides can be brought together. */
function metaOf({ caller, correlationId }: UseCaseContext): JsonObject {
  const sent = caller.params['_meta'];
  return { ...(isObject(sent) ? sent : {}), correlation_id: correlationId };
}

/** A tool that no list has is looked for in the server itself, once. @throws Fault TOOL_UNKNOWN */
async function requireTool(
  deps: UseCaseDeps,
  server: Upstream,
  tool: string,
  { caller }: UseCaseContext,
): Promise<void> {
  const { user } = caller;
  const names = (): readonly string[] =>
    deps.catalogs.offer(server, user.asker, user.owner).tools.map(({ name }) => String(name));
  if (names().includes(tool)) return;
  const isListed = deps.catalogs.find(server, user.asker, user.owner) !== undefined;
  try {
    await deps.catalogs.demand(server, user, isListed);
  } catch (error) {
    // It runs and will not be listed: it may know the tool all the same.
    const isHidden = matchesGlob(tool, server.spec.hiddenTools);
    if (!isListed && !isHidden && error instanceof RpcRefusal) return;
    throw error;
  }
  const known = names();
  if (known.includes(tool)) return;
  const meant = nearest(withoutPrefix(tool, server), known) ?? nearest(tool, known);
  throw new Fault('TOOL_UNKNOWN', `MCP server "${server.spec.id}" has no tool "${tool}"`, {
    data: {
      name: tool,
      known: known.slice(0, KNOWN_MAX),
      ...(meant === undefined ? {} : { meant }),
    },
  });
}

/** A model often writes the public name where the server's own is meant. */
const withoutPrefix = (tool: string, { spec }: Upstream): string =>
  tool.startsWith(`${spec.id}__`) ? tool.slice(spec.id.length + 2) : tool;
