import { Fault } from '@mcp-hangar/kernel/errors';
import { nearest } from '../../domain/near-names.ts';

/** Names that an error lists at most. */
export const KNOWN_MAX = 20;

/** What is said of an id that no server has. */
export function unknownFault(id: string, known: readonly string[]): Fault {
  const meant = nearest(id, known);
  return new Fault('MCP_SERVER_UNKNOWN', `No MCP server has the id "${id}"`, {
    data: { name: id, known: known.slice(0, KNOWN_MAX), ...(meant === undefined ? {} : { meant }) },
  });
}
