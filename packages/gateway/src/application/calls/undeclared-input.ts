/** What a server wants of a client that has not declared it. */
import { declaresAll } from '../../domain/protocol/input-rounds.ts';
import { RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { NOBODY, type Child, type Owner } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Bridged } from './era-bridge.ts';

/**
 * What the client would have had to declare for what the server asked it in vain; undefined where it asked nothing.
 * @param askedInVain what was asked during the call
 */
export function undeclaredInput(
  read: Bridged,
  askedInVain: JsonObject | undefined,
  { child, user }: { readonly child: Child; readonly user: ServerUser },
): JsonObject | undefined {
  const inVain = askedInVain ?? pagesInVain(read, user.owner);
  // A child that all share can ask nobody, whatever its clients declare.
  const isDeclared =
    inVain !== undefined &&
    child.seat.kind === 'shared' &&
    declaresAll(inVain, user.asker.capabilities);
  return isDeclared ? undefined : inVain;
}

/** Nobody is sent to the pages that a legacy server wants visited first, and the modern era lacks that code. */
function pagesInVain(read: Bridged, owner: Owner): JsonObject | undefined {
  const wantsPages = read.kind === 'refused' && read.error.code === RPC.urlElicitationRequired;
  return wantsPages && owner === NOBODY ? { elicitation: { url: {} } } : undefined;
}
