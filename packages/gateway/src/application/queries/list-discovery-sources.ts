import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { defineQuery } from '../use-case.ts';

export const listDiscoverySources = defineQuery({
  name: 'list_discovery_sources',
  input: () => z.strictObject({}),
  permission: 'discovery:read',
  summary: 'List where the gateway looks for MCP servers; not configured in this build.',
  run(): never {
    throw new Fault(
      'DISCOVERY_NOT_CONFIGURED',
      'Discovery not configured. Enable discovery in config.yaml',
    );
  },
});
