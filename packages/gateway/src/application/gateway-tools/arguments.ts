/**
 * Arguments of gateway tools. The schemas name servers `mcpServer` and `mcpServers`; each family shows them under its
 * own word, and both words are accepted everywhere.
 */
import { once } from '@mcp-hangar/kernel/once';
import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { nearest } from '../../domain/near-names.ts';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { TIMEOUT_S_MAX } from '../commands/invoke-tool.ts';
import { ServerStateFilter } from '../queries/list-mcp-servers.ts';
import type { Words } from './words.ts';

const ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const TIMEOUT_RULE = `expected 0.1 to ${TIMEOUT_S_MAX} seconds`;

const mcpServer = once(() =>
  z
    .string('expected the id of a server')
    .regex(ID, 'expected 1 to 64 letters, digits, "-" and "_", beginning with a letter')
    .describe('Id of the MCP server, as the list shows it.'),
);

export const NoArguments = once(() => z.strictObject({}));

export const ListArguments = once(() =>
  z.strictObject({
    state_filter: ServerStateFilter().optional().describe('Only servers in this state.'),
  }),
);

export const OneServerArguments = once(() => z.strictObject({ mcpServer: mcpServer() }));

export const OneGroupArguments = once(() =>
  z.strictObject({
    group: z
      .string('expected the id of a group')
      .regex(ID, 'expected 1 to 64 letters, digits, "-" and "_", beginning with a letter')
      .describe('Id of the group, as the list shows it.'),
  }),
);

export const ManyServersArguments = once(() =>
  z.strictObject({
    mcpServers: z
      .string('expected ids with commas between them')
      .max(100_000)
      .optional()
      .describe('Ids of MCP servers with commas between them; all where it is left out.'),
  }),
);

export const InvokeArguments = once(() =>
  z.strictObject({
    mcpServer: mcpServer(),
    tool: z
      .string('expected the name of a tool')
      .min(1, 'expected the name of a tool')
      .max(256, 'expected at most 256 characters')
      .describe('Name of the tool, as the server itself names it.'),
    arguments: z
      .custom<JsonObject>(isObject, 'expected an object')
      .default({})
      .meta({ type: 'object', description: 'Arguments of the tool.' }),
    timeout: z
      .number(TIMEOUT_RULE)
      .min(0.1, TIMEOUT_RULE)
      .max(TIMEOUT_S_MAX, TIMEOUT_RULE)
      .default(30)
      .describe('Longest wait for the answer; the start of the server does not count. Seconds.'),
  }),
);

export const InvokeStreamArguments = once(() =>
  InvokeArguments().extend({
    max_retries: z
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe(
        'Attempts at most, the first included, where repeating the call is safe; 0 and 1 mean one. A configured `retry` policy may allow fewer.',
      ),
    correlation_id: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Goes to the server as `_meta.correlation_id` and into logs; made where left out.'),
  }),
);

export const InvokeExArguments = once(() =>
  InvokeStreamArguments().extend({
    retry_on_error: z
      .boolean()
      .default(true)
      .describe('False: one attempt, whatever `max_retries` says.'),
  }),
);

const ALIASES: Readonly<Record<string, string>> = {
  provider: 'mcpServer',
  mcp_server: 'mcpServer',
  providers: 'mcpServers',
  mcp_servers: 'mcpServers',
};

/** The name under which a family shows an argument. */
export const shownName = (name: string, { one, many }: Words): string =>
  name === 'mcpServer' ? one : name === 'mcpServers' ? many : name;

/** The arguments as the schema wants them. @throws Fault INPUT_INVALID with the field and what is expected */
export function readArguments<Schema extends z.ZodObject>(
  schema: Schema,
  given: JsonObject,
  words: Words,
): z.output<Schema> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const alias = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;
    if (alias in named && named[alias] !== value)
      throw invalid(shownName(alias, words), `given twice, with two values; keep one`);
    named[alias] = value;
  }
  const parsed = schema.safeParse(named);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw unknownArgument(issue.keys[0] ?? '', schema, words);
  const field = String(issue?.path[0] ?? 'arguments');
  const isMissing = !(field in named);
  const expected = issue?.message ?? 'wrong';
  throw invalid(shownName(field, words), isMissing ? `missing; ${expected}` : expected);
}

function unknownArgument(name: string, schema: z.ZodObject, words: Words): Fault {
  const known = Object.keys(schema.shape).map((key) => shownName(key, words));
  const meant = nearest(name, known);
  const hint =
    meant !== undefined
      ? `did you mean "${meant}"?`
      : known.length === 0
        ? 'this tool takes none'
        : `expected ${known.join(', ')}`;
  return invalid(name, `unknown argument; ${hint}`);
}

const invalid = (field: string, fix: string): Fault =>
  new Fault('INPUT_INVALID', `Argument "${field}" is wrong: ${fix}`, { data: { field, fix } });
