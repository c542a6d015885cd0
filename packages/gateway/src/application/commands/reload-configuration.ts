import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { defineCommand } from '../use-case.ts';

export const reloadConfiguration = defineCommand({
  name: 'reload_configuration',
  input: () =>
    z.strictObject({ dry_run: z.boolean().optional(), graceful: z.boolean().optional() }),
  permission: 'config:reload',
  summary: 'Read the configuration again and apply what has changed in it.',
  async run({ reload }, { dry_run: isDryRun, graceful: isGraceful }, { principal }) {
    if (reload === undefined)
      throw new Fault('CONFIG_MISSING', 'the gateway runs without a configuration file', {
        data: { fix: 'start it with --config FILE' },
      });
    return reload({
      by: principal,
      ...(isDryRun === undefined ? {} : { isDryRun }),
      ...(isGraceful === undefined ? {} : { isGraceful }),
    });
  },
});
