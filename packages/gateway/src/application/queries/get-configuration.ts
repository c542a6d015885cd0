import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import type { ServedConfiguration } from '../ports.ts';
import { defineQuery } from '../use-case.ts';

export const getConfiguration = defineQuery({
  name: 'get_configuration',
  input: () => z.strictObject({ salt: z.string().min(1).max(64) }),
  permission: 'mcp_servers:read',
  summary: 'Tell the configuration that is served, without secrets.',
  async run({ configuration }, { salt }): Promise<ServedConfiguration> {
    if (configuration === undefined)
      throw new Fault('CONFIG_MISSING', 'this gateway was built without a configuration file');
    return configuration(salt);
  },
});
