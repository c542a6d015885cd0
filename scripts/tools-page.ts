// The page of the gateway's own tools, from the table that clients are served from.
import { shownSchema } from './input-schemas.ts';
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
  group_list:
    '`{groups: [{group_id, description, state, strategy, min_healthy, healthy_count, total_members, is_available, circuit_open, members: [{id, state, in_rotation, weight, priority, consecutive_failures}]}]}`; `groups` of the tools above have the same form, in `status` `{id, indicator, state, healthy_members, total_members}`, in `health` `{total, by_state, total_members, healthy_members}`',
  group_rebalance: '`{group_id, state, healthy_count, total_members, members_in_rotation: [ids]}`',
  reload_config:
    '`{status, message, mcp_servers_added, mcp_servers_removed, mcp_servers_updated, mcp_servers_unchanged, duration_ms}`; `status` is `reloaded`, `unchanged` (a file that says the same) or `failed`, with `{message, error_type, details}` and nothing changed',
  invoke: 'The result of the tool, byte for byte where client and server speak the same era.',
  invoke_ex:
    'The result of the tool with `_retry_metadata: {correlation_id, attempts, total_time_ms, retries, final_error_reason?, recovery_hints?}` and `_progress: [{stage, message, elapsed_ms}]`; where it is too long `truncated`, `truncated_reason`, `original_size_bytes` and `continuation_id`.',
  invoke_stream: 'The same.',
  call: '`{batch_id, success, total, succeeded, failed, elapsed_ms, results: [{index, call_id, success, result, error, error_type, error_code?, elapsed_ms, truncated?, truncated_reason?, original_size_bytes?, continuation_id?, retry_metadata?}]}`; where the batch is wrong `{batch_id, success: false, error: "Validation failed", validation_errors: [{index, field, message}]}`, and nothing was called',
  fetch_continuation:
    '`{found: true, data, total_size_bytes, offset, next_offset, has_more, complete}` or `{found: false, error}`',
  delete_continuation: '`{deleted, continuation_id}`',
};

function section(tool: GatewayTool): string {
  // Data that the table shows to clients; InputSchema names what is read of it.
  const { properties, required = [] } = shownSchema(tool) as unknown as InputSchema;
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
  const answer = ANSWERS[tool.name.slice(tool.words.family.length + 1)];
  if (answer === undefined) throw new Error(`ANSWERS does not say what ${tool.name} answers`);
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
\`executing\`, \`retrying\` (before each further attempt), \`processing\`, then \`complete\` or \`failed\`.

\`cannot_cross: [{clients, feature, reason}]\` says what a server has that clients of one era (\`legacy\`: revisions up
to 2025-11-25, \`modern\`: 2026-07-28) do not get, and why. It is left out where everything crosses: for a server that
speaks both eras, and until the server was asked which it speaks.

## Further attempts

\`max_retries\` of \`registry_invoke_ex\` and \`_stream\`, and \`max_attempts\` of \`hangar_call\`, say how often a call is tried at
most, the first time included; a \`retry\` policy of the configuration may allow fewer. Where \`max_attempts\` is left out
the policy alone decides, and without one there is one attempt. A call is tried again where it is known not to have
reached its server, or where the tool says that it may be repeated (\`idempotentHint\`, \`readOnlyHint\`); never after an
answer, which an error of the tool is too, nor after a refusal. All attempts have the same correlation id, which the
server gets as \`_meta.correlation_id\` and the [event log](../guides/events.md) has.

## Batches

\`hangar_call\` makes up to 100 calls for its client, each as if the client had made it alone.

- A batch that is wrong in any place, a server that does not exist included, is refused as a whole
  (\`validation_errors\`; \`index: -1\` is the batch itself). Numbers that are out of range are moved into it.
- \`success\` says that all calls have succeeded. A tool that reports an error (\`isError\`) has failed; its result is
  given all the same. Results stand in the order of the calls.
- When \`timeout\` is over, what is under way is cancelled at its server (\`notifications/cancelled\`) and told as
  \`TimeoutError\`; what was done is answered. With \`fail_fast\` the first failure does the same to the others
  (\`CancellationError\`), and so does a client that cancels the batch. \`timeout\` of a call ends that call
  (\`ToolTimeoutError\`).
- \`call_id\` is the correlation id of the call.
- With a progress token, each call that is over is one step.
- What servers ask during the batch reaches the client; a server of 2026-07-28 that answers with questions cannot be
  continued from a batch (\`INPUT_NOT_SUPPORTED\`).

\`error_type\` is one of \`AuthorizationDenied\`, \`CancellationError\`, \`CircuitBreakerOpen\`, \`McpServerNotFoundError\`,
\`McpServerStartError\`, \`NoAvailableMemberError\`, \`RateLimitExceeded\`, \`TaskRelayNotSupported\`, \`TimeoutError\`,
\`ToolInvocationError\`, \`ToolTimeoutError\`; \`error_code\` is the code of [errors](errors.md), where the gateway says it.

Results of a batch that are together longer than \`truncation.max_batch_size_bytes\` are cut (\`batch_size_exceeded\`), each
by its share; without [\`truncation.enabled\`](configuration.md) only those for which no answer has room
(\`response_size_exceeded\`). A cut text ends with \`... [truncated]\`, a list with \`[N more items truncated]\`; a result of more
than 10 MiB is shown as the beginning of its JSON. The whole is kept for \`truncation.cache_ttl_s\` and read with
\`hangar_fetch_continuation\`, by whoever made the batch: anybody else is told that there is no such continuation.
Pages have the characters that begin in them: they can be asked for with \`next_offset\`, or in steps of \`limit\`.
\`continuation_id: null\` says that there was no room for the whole.

A result of \`registry_invoke_ex\` or \`_stream\` of more than 10 MiB is cut in the same way, and has the same members beside
it; the beginning of its JSON is then the text in its \`content\`. Who is to read the whole needs
\`tool_access.gateway_tools: both\`. \`registry_invoke\` passes results of any length on as they are.

## The \`registry_*\` family

${REGISTRY_TOOLS.map(section).join('\n\n')}

## The \`hangar_*\` family

The same under the words of 2.x: \`mcp_server\` for \`provider\`, \`mcp_servers\` for \`providers\`.

${HANGAR_TOOLS.map(section).join('\n\n')}
`;
}
