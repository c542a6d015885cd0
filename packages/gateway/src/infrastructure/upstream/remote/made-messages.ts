/** Messages that the transport knows of and the server did not write. */
import { isObject, type JsonObject } from '../../../domain/protocol/json-rpc.ts';
import type { ServerNotification } from '../../../application/servers/child.ts';
import { madeNotification } from '../../../application/subscriptions/updates.ts';
import type { Refusal } from './answer-reader.ts';
import { readIncoming, type Incoming } from './incoming.ts';

const LISTS = ['tools', 'prompts', 'resources'] as const;

/** That every list which a server has may have changed. */
export function listsChanged(hello: JsonObject): readonly ServerNotification[] {
  const declared = isObject(hello['capabilities']) ? hello['capabilities'] : {};
  return LISTS.filter((list) => declared[list] !== undefined).map((list) =>
    madeNotification(`notifications/${list}/list_changed`),
  );
}

/** The answer to a call in the body of a refusal; undefined where the body is none. */
export function answerInRefusal(refusal: Refusal, id: number): Incoming | undefined {
  // Whether a credential is wrong is between the gateway and the server, whatever the body says.
  if (refusal.status === 401 || refusal.error === undefined) return undefined;
  return readIncoming(refusal.body).find(
    (message) => message.kind === 'answer' && message.id === id,
  );
}
