// The page of the gateway's own tools, from the table that clients are served from.
import type { GatewayTool } from '../packages/gateway/src/application/gateway-tools/tool.ts';
import {
  HANGAR_TOOLS,
  REGISTRY_TOOLS,
} from '../packages/gateway/src/application/gateway-tools/table.ts';

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
}

interface InputSchema {
  readonly properties: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
}

/** What each tool answers, which its definition does not say. `provider` stands for the word of the family. */
const ANSWERS: Readonly<Record<string, string>> = {
  list: '`{providers: [{provider, state, mode, alive, tools_count, health_status, tools_predefined, description?, note?}], groups}`',
  start: '`{provider, state, tools: [names]}`',
  stop: '`{stopped, reason}`',
  tools:
    '`{provider, state, predefined, tools: [{name, description, inputSchema, outputSchema?}]}`',
  details:
    '`{provider, state, mode, alive, tools, health, idle_time, meta, note?, cannot_cross?}`; `hangar_details` adds `tools_policy`',
  health: '`{status, providers: {total, by_state}, groups, security}`',
  status:
    '`{providers: [{id, indicator, state, mode, last_used?, note?, consecutive_failures?, cannot_cross?}], groups, summary, formatted}`',
  warm: '`{warmed, already_warm, failed: [{id, error}], summary}`',
  discover: 'The error `Discovery not configured. Enable discovery in config.yaml`.',
  sources: 'The error `Discovery not configured. Enable discovery in config.yaml`.',
  invoke: 'The result of the tool, byte for byte where client and server speak the same era.',
  invoke_ex:
    'The result of the tool with `_retry_metadata: {correlation_id, attempts, total_time_ms, retries, final_error_reason?, recovery_hints?}` and `_progress: [{stage, message, elapsed_ms}]`.',
  invoke_stream: 'The same.',
};

function section(tool: GatewayTool): string {
  const { inputSchema } = tool.definition;
  // The table made it from its own zod schema.
  const { properties, required = [] } = inputSchema as InputSchema;
  const rows = Object.entries(properties).map(([name, property]) => {
    const { type, description = '', default: standard } = property;
    const choices = property.enum?.map((choice) => `\`${choice}\``).join(', ');
    const given = required.includes(name) ? '**required**' : standardText(standard);
    return `| \`${name}\` | ${choices ?? type ?? 'any'} | ${given} | ${description} |`;
  });
  const table =
    rows.length === 0
      ? 'No arguments.'
      : ['| Argument | Type | Default | Description |', '| --- | --- | --- | --- |', ...rows].join(
          '\n',
        );
  const answer = ANSWERS[tool.name.slice(tool.words.family.length + 1)] ?? '';
  return `### \`${tool.name}\`

${String(tool.definition['description'])}

${table}

Answers: ${answer}

Permission: \`${tool.useCase.permission}\`. Stands for: \`${tool.useCase.name}\`.`;
}

const standardText = (value: unknown): string =>
  value === undefined ? '' : `\`${JSON.stringify(value)}\``;

export function toolsPage(generated: string): string {
  return `${generated}

# Tools of the gateway

On \`/mcp\`, beside the tools of the servers. \`tool_access.gateway_tools\` chooses the family: \`registry\` (the default),
\`hangar\`, \`both\` or \`none\`. On \`/mcp/SERVER\` there are none. \`tool_access.mode: egress\` shows nothing else,
\`front_door\` leaves them out.

Every tool accepts \`provider\` and \`mcp_server\` (\`providers\` and \`mcp_servers\`) for the same argument. Results are
given as \`structuredContent\` and once more as JSON text, under the words of the family.

What is asked wrongly, and what fails, is a result with \`isError: true\` and \`{error, error_type, details}\`: \`error\`
begins with a stable text (\`unknown_provider: X\`, \`invalid_timeout: …\`), \`error_type\` is a code of
[errors](errors.md) or \`ToolInvocationError\`, \`details\` names the field and what to do.

A call through \`registry_invoke\` is a call of the client that makes it: it reaches the same child, and it is cancelled
with its request. With a progress token, \`registry_invoke\` passes on what the server reports; every other tool tells
its stages, from 0 to 5: \`cold_start\`, \`launching\`, \`initializing\`, \`discovering_tools\`, \`connecting\`, \`ready\`,
\`executing\`, \`processing\`, then \`complete\` or \`failed\`.

\`cannot_cross: [{clients, feature, reason}]\` says what a server has that clients of one era (\`legacy\`: revisions up
to 2025-11-25, \`modern\`: 2026-07-28) do not get, and why. It is left out where everything crosses: for a server that
speaks both eras, and until the server was asked which it speaks.

## The \`registry_*\` family

${REGISTRY_TOOLS.map(section).join('\n\n')}

## The \`hangar_*\` family

The same under the words of 2.x: \`mcp_server\` for \`provider\`, \`mcp_servers\` for \`providers\`.

${HANGAR_TOOLS.map(section).join('\n\n')}
`;
}
