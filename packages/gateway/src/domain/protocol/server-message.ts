/** What a server wrote on its line: an answer, a request or a notification, with the spans that we rewrite. */
import { hasSpan, locate, spanText, type Plan, type Spans } from './json-spans.ts';
import { META } from './revisions.ts';

export const SERVER_SLOT = {
  id: 0,
  method: 1,
  error: 2,
  progressToken: 3,
  requestId: 4,
  metaToken: 5,
  subscriptionId: 6,
  resultSubscriptionId: 7,
  updatedUri: 8,
} as const;
const SLOTS = 9;
/** Of an id that a server gives: it is kept until the client has answered. */
const ID_CHARS_MAX = 1_024;

const PLAN: Plan = {
  id: SERVER_SLOT.id,
  method: SERVER_SLOT.method,
  result: { _meta: { [META.subscriptionId]: SERVER_SLOT.resultSubscriptionId } },
  error: SERVER_SLOT.error,
  params: {
    progressToken: SERVER_SLOT.progressToken,
    requestId: SERVER_SLOT.requestId,
    uri: SERVER_SLOT.updatedUri,
    _meta: {
      progressToken: SERVER_SLOT.metaToken,
      [META.subscriptionId]: SERVER_SLOT.subscriptionId,
    },
  },
};

export interface ServerText {
  readonly text: string;
  readonly spans: Spans;
}

export type ServerMessage =
  | {
      readonly kind: 'answer';
      readonly rawId: string;
      readonly isError: boolean;
      readonly line: ServerText;
    }
  | {
      readonly kind: 'request';
      readonly rawId: string;
      readonly method: string;
      readonly line: ServerText;
    }
  | { readonly kind: 'notification'; readonly method: string; readonly line: ServerText };

/** Reads a line (one byte a character). Undefined for what is no JSON-RPC message: chatter, half a line, an array. */
export function readServerLine(text: string): ServerMessage | undefined {
  const spans = locate(text, PLAN, SLOTS);
  if (spans === undefined) return undefined;
  const line = { text, spans };
  const rawId = spanText(text, spans, SERVER_SLOT.id);
  if (rawId !== undefined && rawId.length > ID_CHARS_MAX) return undefined;
  const method = spanText(text, spans, SERVER_SLOT.method);
  if (method !== undefined) {
    if (!/^"[\w/.$-]+"$/.test(method)) return undefined;
    const name = method.slice(1, -1);
    return rawId === undefined
      ? { kind: 'notification', method: name, line }
      : { kind: 'request', rawId, method: name, line };
  }
  const isError = hasSpan(spans, SERVER_SLOT.error);
  if (rawId === undefined || (!isError && !text.includes('"result"'))) return undefined;
  return { kind: 'answer', rawId, isError, line };
}
