/** The configuration that a gateway serves, as an operator's command gets it. */
import { z } from 'zod';
import type { ServedConfiguration } from '../ports.ts';

export const ConfigurationReport = z.object({
  file: z.string().nullable(),
  values: z.array(
    z.object({
      key: z.string(),
      path: z.array(z.union([z.string(), z.number()])),
      text: z.string(),
      origin: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('file'), line: z.number(), column: z.number() }),
        z.object({ kind: z.enum(['environment', 'flag']), name: z.string() }),
        z.object({ kind: z.literal('default') }),
      ]),
      fingerprint: z.string(),
    }),
  ),
});
export type ConfigurationReport = z.infer<typeof ConfigurationReport>;

export const configurationReport = ({
  file,
  values,
}: ServedConfiguration): ConfigurationReport => ({
  file: file ?? null,
  values: values.map((value) => ({ ...value, path: [...value.path] })),
});
