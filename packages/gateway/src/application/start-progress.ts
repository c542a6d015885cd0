/** The start of a server as progress of the work that waits for it. */
import { phaseOf } from './groups/group-as-server.ts';
import { ServerGroup } from './groups/server-group.ts';
import type { McpServer } from './servers/mcp-server.ts';
import type { StartStage } from './servers/start-stages.ts';
import { STAGES, type Stage, type UseCaseContext, type UseCaseDeps } from './use-case.ts';

const SAYS: Readonly<Record<StartStage, string>> = {
  launching: 'Launching',
  initializing: 'Speaking the handshake with',
  discovering_tools: 'Reading the tools of',
};

/** Reports what the server does until it is ready. Answers the function that ends the watch. */
export function watchStart(
  deps: UseCaseDeps,
  server: McpServer | ServerGroup,
  context: UseCaseContext,
): () => void {
  const phase = server instanceof ServerGroup ? phaseOf(server) : server.phase;
  if (phase !== 'ready')
    context.progress('cold_start', `MCP server "${server.spec.id}" is ${phase}`);
  const watches = server.members.map(({ spec }) =>
    deps.stages.watch(spec.id, (stage) =>
      context.progress(stage, `${SAYS[stage]} MCP server "${spec.id}"`),
    ),
  );
  return () => {
    for (const unwatch of watches) unwatch();
  };
}

/**
 * Lets each stage pass once and none that comes late: a server may be started for others at the same time. Only trying
 * again is told each time.
 */
export function inOrder(pass: (stage: Stage, message: string) => void): UseCaseContext['progress'] {
  let last = -1;
  return (stage, message) => {
    const index = STAGES.indexOf(stage);
    if (index < last || (index === last && stage !== 'retrying')) return;
    last = index;
    pass(stage, message);
  };
}
