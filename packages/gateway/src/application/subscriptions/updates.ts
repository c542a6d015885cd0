/** `notifications/resources/updated` as the gateway makes it, and as it passes it on. */
import { latin1 } from '../byte-text.ts';
import { isObject, type JsonObject, type RpcId } from '../../domain/protocol/json-rpc.ts';
import { hasSpan, splice } from '../../domain/protocol/json-spans.ts';
import { META } from '../../domain/protocol/revisions.ts';
import {
  readServerLine,
  SERVER_SLOT,
  type ServerText,
} from '../../domain/protocol/server-message.ts';
import { paramsIn, parseExactly } from '../calls/ask.ts';
import { updatedUri, type ServerNotification } from '../servers/child.ts';

export const UPDATED = 'notifications/resources/updated';

/** A notification that no server sent. Its text has one byte a character, as that of all others. */
export function madeNotification(method: string, params?: JsonObject): ServerNotification {
  const message = readServerLine(latin1(JSON.stringify({ jsonrpc: '2.0', method, params })));
  if (message?.kind !== 'notification') throw new Error(`no notification: ${method}`);
  return message;
}

/** After a time in which nobody could hear, a resource may have changed. */
export const mayBeUpdated = (uri: string): ServerNotification => madeNotification(UPDATED, { uri });

/** How one client is told. */
export interface Telling {
  /** The URI under which it knows the resource; undefined where that is the server's own. */
  readonly uri: string | undefined;
  /** The id of its `subscriptions/listen`; undefined for a client of the legacy era. */
  readonly subscriptionId: RpcId | undefined;
}

/** The text of an update for one client. Between a client and a server of one era only single values change. */
export function updateFor(line: ServerText, telling: Telling): string {
  const { uri, subscriptionId } = telling;
  const isModern = hasSpan(line.spans, SERVER_SLOT.subscriptionId);
  if (isModern !== (subscriptionId !== undefined))
    return latin1(JSON.stringify(written(line, telling)));
  const edits = [
    { slot: SERVER_SLOT.updatedUri, value: uri },
    { slot: SERVER_SLOT.subscriptionId, value: subscriptionId },
  ].filter(({ value }) => value !== undefined);
  const texts = edits.map(({ slot, value }) => ({ slot, text: latin1(JSON.stringify(value)) }));
  return splice(line.text, line.spans, texts);
}

/** In the form of the other era: with or without the subscription that it is part of. */
function written(line: ServerText, { uri, subscriptionId }: Telling): JsonObject {
  // Of a line that is no JSON the resource is known, and nothing else.
  const { _meta: told, ...rest } = paramsIn(line, parseExactly) ?? { uri: updatedUri({ line }) };
  const kept = Object.entries(isObject(told) ? told : {}).filter(
    ([key]) => !key.startsWith(META.prefix),
  );
  const meta = {
    ...Object.fromEntries(kept),
    ...(subscriptionId === undefined ? {} : { [META.subscriptionId]: subscriptionId }),
  };
  return {
    jsonrpc: '2.0',
    method: UPDATED,
    params: {
      ...rest,
      ...(uri === undefined ? {} : { uri }),
      ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
    },
  };
}
