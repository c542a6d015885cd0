import { z } from 'zod';

import { McpServerId } from '../../domain/mcp-server/spec.ts';
import {
  CatalogBlock,
  HttpBlock,
  LimitsBlock,
  LoggingBlock,
  ToolAccessBlock,
} from './schema-active.ts';
import { once } from '@mcp-hangar/kernel/once';
import * as blocks from './schema-blocks.ts';
import { ExecutionBlock, RateLimitBlock, RetryBlock } from './schema-execution.ts';
import { ApprovalsBlock, AuthBlock, InterceptorsBlock } from './schema-policy.ts';
import { PlainServerEntry, serverEntry } from './schema-server.ts';

/**
 * The one description of the configuration file: types, defaults, validation, editor schema, reference page.
 * Metadata: `env` names the variable that overrides a value, `aliasOf` the key that a spelling stands for, `inactive`
 * what happens when a key is written that this build cannot obey (`notice`: one line at start; `refuse`: no start).
 */
// eslint-disable-next-line typescript/explicit-function-return-type -- the type is what is written below
const documentWith = <Entry extends z.ZodType>(entry: Entry) =>
  z.strictObject({
    $schema: z.string().optional().describe('Schema for editors.'),
    env_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File of `NAME=value` lines, relative to this one, that `${NAME}` is looked up in where the environment has no such variable. Only its owner may read it (mode 600).',
      ),
    mcp_servers: z.record(McpServerId, entry).optional().describe('The servers, by id.'),
    providers: z
      .record(McpServerId, entry)
      .optional()
      .describe('Same as `mcp_servers`; a file may have both.'),
    http: HttpBlock.prefault({}).describe('The HTTP endpoint.'),
    limits: LimitsBlock.prefault({}).describe('Bounds of everything that can grow.'),
    catalog: CatalogBlock.prefault({}).describe('The merged list of tools.'),
    tool_access: ToolAccessBlock.prefault({}).describe('What clients see.'),
    logging: LoggingBlock.prefault({}).describe('The log.'),
    execution: ExecutionBlock.prefault({}).describe('Calls at one time.'),
    rate_limit: RateLimitBlock.optional().describe('Calls over time.'),
    retry: RetryBlock.optional().describe('Calls that are tried again.'),
    truncation: blocks.TruncationBlock.prefault({}).describe('Long results of `hangar_call`.'),
    discovery: blocks.DiscoveryBlock.optional()
      .describe('Servers that are found.')
      .meta({ inactive: 'notice' }),
    persistence: blocks.PersistenceBlock.optional().describe('Where state is kept.'),
    event_store: blocks.EventStoreBlock.prefault({}).describe('The event log.'),
    coordination: blocks.CoordinationBlock.optional()
      .describe('Several gateways.')
      .meta({ inactive: 'notice' }),
    config_reload: blocks.ConfigReloadBlock.prefault({}).describe('Reload of this file.'),
    hot_loading: blocks.HotLoadingBlock.optional()
      .describe('Servers from the registry.')
      .meta({ inactive: 'notice' }),
    interceptors: InterceptorsBlock.optional()
      .describe('Checks of every call.')
      .meta({ inactive: 'refuse' }),
    approvals: ApprovalsBlock.optional()
      .describe('Calls that a person approves.')
      .meta({ inactive: 'refuse' }),
    relay_tasks_enabled: z
      .boolean()
      .optional()
      .describe('Relay tasks.')
      .meta({ inactive: 'notice' }),
    startup_checks: blocks.StartupChecksBlock.optional()
      .describe('Checks at start.')
      .meta({ inactive: 'notice' }),
    observability: blocks.ObservabilityBlock.optional()
      .describe('Traces and metrics.')
      .meta({ inactive: 'notice' }),
    auth: AuthBlock.optional().describe('Who may call.').meta({ inactive: 'refuse' }),
    health_check: blocks.HealthCheckBlock.optional().describe(
      'Whether running servers that nobody calls are asked whether they are alive.',
    ),
    cloud: blocks.CloudBlock.optional().describe('Hangar Cloud.').meta({ inactive: 'notice' }),
  });

export const configDocument = once(() => documentWith(serverEntry()));
export type ConfigDocument = z.output<ReturnType<typeof configDocument>>;

/** The same for files whose servers have plain keys only; what it refuses is asked of the whole one. */
export const plainDocument = once(() => documentWith(PlainServerEntry));
