/** The four lists, answered from memory. */
import { RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { ListKind } from '../../domain/catalog/server-catalog.ts';
import type { View } from '../catalog/views.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Hub } from './hub.ts';

export interface ListRequest {
  readonly view: View;
  readonly user: ServerUser;
  readonly kind: ListKind;
  readonly params: JsonObject | undefined;
  readonly reply: ClientReply;
}

/** Answers with the whole list in one page, once what is not known yet was waited for. */
export function answerList(hub: Hub, { view, user, kind, params, reply }: ListRequest): void {
  if (params?.['cursor'] !== undefined) {
    const message = 'Invalid params: unknown cursor; lists come in one page';
    reply.refuse({ code: RPC.invalidParams, message });
    return;
  }
  const waiting = hub.known(view, user);
  if (waiting === undefined) reply.body(view.body(kind));
  else void waiting.then(() => reply.body(view.body(kind)));
}
