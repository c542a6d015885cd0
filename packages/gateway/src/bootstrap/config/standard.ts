import type { ConfigDocument } from './schema.ts';
import type { ServerEntry } from './schema-server.ts';
import { STANDARD_DOCUMENT, STANDARD_ENTRY } from './standard-values.ts';

/** A document whose keys that are not written have what the schema says for them. */
export function withStandard(document: Partial<ConfigDocument>): ConfigDocument {
  const { mcp_servers, providers } = document;
  return {
    ...STANDARD_DOCUMENT,
    ...document,
    ...(mcp_servers && { mcp_servers: entriesOf(mcp_servers) }),
    ...(providers && { providers: entriesOf(providers) }),
  };
}

const entriesOf = (
  servers: NonNullable<ConfigDocument['mcp_servers']>,
): NonNullable<ConfigDocument['mcp_servers']> =>
  Object.fromEntries(
    Object.entries(servers).map(([id, entry]): [string, ServerEntry] => [
      id,
      { ...STANDARD_ENTRY, ...entry },
    ]),
  );
