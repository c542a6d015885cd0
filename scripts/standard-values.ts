// What the schema of the configuration fills in, and the variables that win over a file: a start needs them, and does
// not make the whole schema for them.
import type { z } from 'zod';
import { configDocument } from '../packages/gateway/src/bootstrap/config/schema.ts';
import { standardEntry } from '../packages/gateway/src/bootstrap/config/schema-server.ts';
import {
  factsOf,
  knownKeys,
  unwrap,
} from '../packages/gateway/src/bootstrap/config/schema-walk.ts';
import { generatedModule } from './generated-module.ts';

type Variable = readonly [name: string, path: readonly string[]];

/**
 * The variables that this build obeys. Inactive blocks are left out: a variable such as `OTEL_SERVICE_NAME` is set for
 * other programs and must not make this one complain.
 */
function variables(schema: z.core.$ZodType, path: readonly string[]): readonly Variable[] {
  return [...knownKeys(unwrap(schema))].flatMap(([key, child]): readonly Variable[] => {
    const { env, inactive } = factsOf(child);
    if (inactive !== undefined) return [];
    const here = [...path, key];
    return env === undefined ? variables(child, here) : [[env, here]];
  });
}

/** The values, as one module has them. */
export const standardValues = (): {
  readonly document: object;
  readonly entry: object;
  readonly variables: readonly Variable[];
} => ({
  document: configDocument().parse({}),
  entry: standardEntry(),
  variables: variables(configDocument(), []),
});

/** The module that holds them. */
export function standardModule(): Promise<string> {
  const { document, entry, variables: named } = standardValues();
  return generatedModule(`/** Made by \`npm run reference\` from the schema of the configuration; do not edit. */
import type { ConfigPath } from './problem.ts';
import type { ConfigDocument } from './schema.ts';
import type { ServerEntry } from './schema-server.ts';

/** A file that says nothing. */
export const STANDARD_DOCUMENT = ${JSON.stringify(document)} satisfies Partial<ConfigDocument>;

/** A plain server that says nothing. */
export const STANDARD_ENTRY = ${JSON.stringify(entry)} satisfies Partial<ServerEntry>;

/** Variables of the environment that win over the file, and what they are in it. */
export const VARIABLES: readonly (readonly [name: string, path: ConfigPath])[] = ${JSON.stringify(named)};
`);
}
