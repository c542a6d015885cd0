import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { defineCommand } from '../use-case.ts';

export const triggerDiscovery = defineCommand({
  name: 'trigger_discovery',
  input: () => z.strictObject({}),
  permission: 'discovery:trigger',
  summary: 'Look for MCP servers now; not configured in this build.',
  run(): never {
    throw new Fault(
      'DISCOVERY_NOT_CONFIGURED',
      'Discovery not configured. Enable discovery in config.yaml',
    );
  },
});
