/** To which call of ours a message of a server belongs. */
import { hasSpan, spanText } from '../../domain/protocol/json-spans.ts';
import { isObject } from '../../domain/protocol/json-rpc.ts';
import { SERVER_SLOT, type ServerMessage } from '../../domain/protocol/server-message.ts';

/** Ids that we give are integers; an upstream may send one back as a string. */
export function numericId(rawId: string): number {
  return Number(rawId.startsWith('"') ? rawId.slice(1, -1) : rawId);
}

/** Progress, and what is part of a subscription, belong to one call or to nobody. */
export const isCorrelated = (message: Extract<ServerMessage, { kind: 'notification' }>): boolean =>
  message.method === 'notifications/progress' ||
  hasSpan(message.line.spans, SERVER_SLOT.subscriptionId);

/** The call that a notification belongs to: by progress token, or by the subscription that it is part of. */
export function correlationOf(message: Extract<ServerMessage, { kind: 'notification' }>): number {
  const { text, spans } = message.line;
  const slot =
    message.method === 'notifications/progress'
      ? SERVER_SLOT.progressToken
      : SERVER_SLOT.subscriptionId;
  const raw = spanText(text, spans, slot);
  return raw === undefined ? Number.NaN : numericId(raw);
}

/** Whether a text is JSON; what a parser makes of it is not kept. */
export const isJson = (text: string): boolean => parsed(text) !== undefined;

/** The same of what looks like an answer: the word "result" may stand anywhere in it, and be no member. */
export function isAnswer(text: string): boolean {
  const message = parsed(text);
  return isObject(message) && (message['result'] !== undefined || message['error'] !== undefined);
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
