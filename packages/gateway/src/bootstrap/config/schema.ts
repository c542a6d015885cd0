import { z } from 'zod';

import { McpServerId } from '../../domain/mcp-server/spec.ts';
import {
  catalogBlock,
  httpBlock,
  limitsBlock,
  loggingBlock,
  toolAccessBlock,
} from './schema-active.ts';
import { once } from '@mcp-hangar/kernel/once';
import { partOf, shapeOf } from './schema-parts.ts';
import * as blocks from './schema-blocks.ts';
import { executionBlock, rateLimitBlock, retryBlock } from './schema-execution.ts';
import { approvalsBlock, authBlock, interceptorsBlock } from './schema-policy.ts';
import { plainEntry, serverEntry } from './schema-server.ts';

/**
 * The one description of the configuration file: types, defaults, validation, editor schema, reference page.
 * Metadata: `env` names the variable that overrides a value, `aliasOf` the key that a spelling stands for, `inactive`
 * what happens when a key is written that this build cannot obey (`notice`: one line at start; `refuse`: no start).
 */
const fileKeys = {
  $schema: () => z.string().optional().describe('Schema for editors.'),
  env_file: () =>
    z
      .string()
      .min(1)
      .optional()
      .describe(
        'File of `NAME=value` lines, relative to this one, that `${NAME}` is looked up in where the environment has no such variable. Only its owner may read it (mode 600).',
      ),
};

const blockKeys = {
  http: () => httpBlock().prefault({}).describe('The HTTP endpoint.'),
  limits: () => limitsBlock().prefault({}).describe('Bounds of everything that can grow.'),
  catalog: () => catalogBlock().prefault({}).describe('The merged list of tools.'),
  tool_access: () => toolAccessBlock().prefault({}).describe('What clients see.'),
  logging: () => loggingBlock().prefault({}).describe('The log.'),
  execution: () => executionBlock().prefault({}).describe('Calls at one time.'),
  rate_limit: () => rateLimitBlock().optional().describe('Calls over time.'),
  retry: () => retryBlock().optional().describe('Calls that are tried again.'),
  truncation: () =>
    blocks.truncationBlock().prefault({}).describe('Long results of `hangar_call`.'),
  discovery: () =>
    blocks
      .discoveryBlock()
      .optional()
      .describe('Servers that are found.')
      .meta({ inactive: 'notice' }),
  persistence: () => blocks.persistenceBlock().optional().describe('Where state is kept.'),
  event_store: () => blocks.eventStoreBlock().prefault({}).describe('The event log.'),
  coordination: () =>
    blocks
      .coordinationBlock()
      .optional()
      .describe('Several gateways.')
      .meta({ inactive: 'notice' }),
  config_reload: () => blocks.configReloadBlock().prefault({}).describe('Reload of this file.'),
  hot_loading: () =>
    blocks
      .hotLoadingBlock()
      .optional()
      .describe('Servers from the registry.')
      .meta({ inactive: 'notice' }),
  interceptors: () =>
    interceptorsBlock().optional().describe('Checks of every call.').meta({ inactive: 'refuse' }),
  approvals: () =>
    approvalsBlock()
      .optional()
      .describe('Calls that a person approves.')
      .meta({ inactive: 'refuse' }),
  relay_tasks_enabled: () =>
    z.boolean().optional().describe('Relay tasks.').meta({ inactive: 'notice' }),
  startup_checks: () =>
    blocks
      .startupChecksBlock()
      .optional()
      .describe('Checks at start.')
      .meta({ inactive: 'notice' }),
  observability: () =>
    blocks
      .observabilityBlock()
      .optional()
      .describe('Traces and metrics.')
      .meta({ inactive: 'notice' }),
  auth: () => authBlock().optional().describe('Who may call.').meta({ inactive: 'refuse' }),
  health_check: () =>
    blocks
      .healthCheckBlock()
      .optional()
      .describe('Whether running servers that nobody calls are asked whether they are alive.'),
  cloud: () =>
    blocks.cloudBlock().optional().describe('Hangar Cloud.').meta({ inactive: 'notice' }),
};

// eslint-disable-next-line typescript/explicit-function-return-type -- the type is what is written below
const documentKeys = <Entry extends z.ZodType>(entry: () => Entry) => ({
  ...fileKeys,
  mcp_servers: () => z.record(McpServerId, entry()).optional().describe('The servers, by id.'),
  providers: () =>
    z
      .record(McpServerId, entry())
      .optional()
      .describe('Same as `mcp_servers`; a file may have both.'),
  ...blockKeys,
});

export const configDocument = once(() => z.strictObject(shapeOf(documentKeys(serverEntry))));
export type ConfigDocument = z.output<ReturnType<typeof configDocument>>;

/** The keys that a file has. */
export interface WrittenKeys {
  readonly document: ReadonlySet<string>;
  /** Of all of its servers. */
  readonly servers: ReadonlySet<string>;
}

/**
 * The same for a file that has these keys: it accepts what the whole one accepts, and fills in nothing where a key is
 * not written. What it refuses is asked of the whole one. Undefined where a key is not known or a server not plain.
 */
export function writtenDocument({
  document,
  servers,
}: WrittenKeys): z.ZodType<Partial<ConfigDocument>> | undefined {
  const entry = plainEntry(servers);
  if (entry === undefined) return undefined;
  // Keys of the whole document with their own schemas.
  return partOf(
    documentKeys(() => entry),
    document,
  ) as z.ZodType<Partial<ConfigDocument>> | undefined;
}
