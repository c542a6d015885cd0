/** `hangar_reload_config`, whose failures have a form of their own. */
import { once } from '@mcp-hangar/kernel/once';
import { z } from 'zod';
import type { ToolAnswer } from '../calls/internal-call.ts';
import { REGISTRY } from '../registry.ts';
import type { ReloadReport } from '../reload/reloads.ts';
import { describeFailure } from './failures.ts';
import { valueAnswer } from './value-answer.ts';
import { defineTool, type GatewayTool } from './tool.ts';
import { HANGAR_WORDS } from './words.ts';

const ReloadArguments = once(() =>
  z.strictObject({
    graceful: z
      .boolean()
      .default(true)
      .describe('Calls in flight at servers that go or change may end; false ends them at once.'),
  }),
);

const tool = defineTool({
  words: HANGAR_WORDS,
  name: 'reload_config',
  useCase: REGISTRY.reload_configuration,
  args: ReloadArguments,
  toInput: ({ graceful }) => ({ graceful }),
  toAnswer: reloadedAnswer,
  hints: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
});

export const reloadTool: GatewayTool = {
  ...tool,
  run: (args, work) => tool.run(args, work).catch(failedAnswer),
};

function reloadedAnswer({ path, isIdentical, diff, durationMs }: ReloadReport): ToolAnswer {
  const { added, removed, updated, unchanged } = diff;
  const counts = `${added.length} added, ${removed.length} removed, ${updated.length} updated, ${unchanged.length} unchanged`;
  return valueAnswer({
    status: isIdentical ? 'unchanged' : 'reloaded',
    message: isIdentical ? `${path} is what is served already` : `${path} is served: ${counts}`,
    mcp_servers_added: added,
    mcp_servers_removed: removed,
    mcp_servers_updated: updated,
    mcp_servers_unchanged: unchanged,
    duration_ms: durationMs,
  });
}

function failedAnswer(error: unknown): ToolAnswer {
  const { text: message, type, details } = describeFailure(error, HANGAR_WORDS);
  const value = { status: 'failed', message, error_type: type, details };
  return {
    kind: 'value',
    result: {
      content: [{ type: 'text', text: message }],
      structuredContent: value,
      isError: true,
    },
  };
}
