/** One legacy client on a hub with one scripted server of the modern era. */
import { utf8Text } from '../src/application/byte-text.ts';
import { classify, isObject, type JsonObject } from '../src/domain/protocol/json-rpc.ts';
import { clientText } from '../src/domain/protocol/client-message.ts';
import { parseAnswer } from '../src/application/calls/ask.ts';
import type { ClientReply } from '../src/application/calls/reply.ts';
import { Hub } from '../src/application/dispatch/hub.ts';
import type { Bytes } from '../src/application/ports.ts';
import type { SettledCall } from '../src/application/recording/call-event.ts';
import { LegacySession } from '../src/application/sessions/legacy-session.ts';
import { FORGETFUL } from '../src/infrastructure/state/memory-files.ts';
import { MemoryParkedCalls } from '../src/infrastructure/state/memory-parked-calls.ts';
import { AesSealer } from '../src/infrastructure/state/sealer.ts';
import {
  ScriptedLauncher,
  settled,
  SILENT,
  specOf,
  type ScriptedConnection,
  type SpecPart,
} from './scripted-launcher.ts';

/** All that a legacy client can be asked. */
const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
export const CALL_TIMEOUT_MS = 5_000;

/** What a client hears of one call. */
export interface Heard {
  /** The answer, the error, or `dropped`; one entry for each time that the call was settled. */
  readonly ends: unknown[];
  readonly messages: JsonObject[];
  onOverflow?: (() => void) | undefined;
}

export interface LegacyWorld {
  readonly hub: Hub;
  readonly session: LegacySession;
  readonly records: SettledCall[];
  /** The child that was started last. */
  child(): ScriptedConnection;
  readonly launcher: ScriptedLauncher;
  call(params?: JsonObject, method?: string): Promise<Heard>;
  notify(method: string, params: JsonObject): void;
  /** The client's answer to a question. @param answer members beside id and version, as they are written */
  answer(id: unknown, answer: string): Promise<void>;
}

/** @param options the clock is the test's */
export function legacyWorld(
  options: {
    readonly nowMs?: () => number;
    readonly capabilities?: JsonObject;
    readonly spec?: SpecPart;
  } = {},
): LegacyWorld {
  const launcher = new ScriptedLauncher({
    era: 'modern',
    capabilities: { tools: {} },
    behaviour: (method) =>
      method === 'tools/list' ? { result: { tools: [{ name: 'work' }] } } : undefined,
  });
  const records: SettledCall[] = [];
  const hub = new Hub({
    servers: [specOf({ callTimeoutMs: CALL_TIMEOUT_MS, era: 'modern', ...options.spec, id: 'up' })],
    launcher,
    clock: { nowMs: options.nowMs ?? (() => 1_000) },
    logger: SILENT,
    random: () => 0.5,
    events: { record: () => undefined },
    callSettled: (call) => void records.push(call),
    memory: FORGETFUL,
    past: new Map(),
    info: { name: 'mcp-hangar', version: '0' },
    modernMeta: {},
    parkedCalls: new MemoryParkedCalls(1),
    sealer: new AesSealer(),
    leaseWaitMs: 1_000,
    inFlightMax: 100,
    catalog: { firstListWaitMs: 0, ttlMs: 0, startConcurrency: 4 },
    toolAccess: { mode: 'hybrid', gatewayTools: 'both', naming: 'prefixed' },
  });
  const endpoint = hub.fleet.endpoint('up');
  if (endpoint === undefined) throw new Error('no endpoint');
  const { capabilities = ASKABLE } = options;
  const client = { id: 's', revision: '2025-11-25', endpoint, capabilities, clientInfo: undefined };
  const session = new LegacySession(hub, client, { send: () => undefined });
  return {
    hub,
    session,
    records,
    launcher,
    child() {
      const last = launcher.connections.at(-1);
      if (last === undefined) throw new Error('nothing was started');
      return last;
    },
    async call(params = { name: 'work' }, method = 'tools/call') {
      const heard: Heard = { ends: [], messages: [] };
      const { text, message } = parsed(JSON.stringify({ jsonrpc: '2.0', id: 'c', method, params }));
      if (message.kind === 'request') session.request(message, text, replyInto(heard));
      await settled();
      return heard;
    },
    notify(method, params) {
      const { text, message } = parsed(JSON.stringify({ jsonrpc: '2.0', method, params }));
      if (message.kind === 'notification') session.notification(message, text);
    },
    async answer(id, answer) {
      session.response(id, parsed(`{"jsonrpc":"2.0","id":${String(id)},${answer}}`).text);
      await settled();
    },
  };
}

function parsed(raw: string): {
  text: ReturnType<typeof clientText>;
  message: ReturnType<typeof classify>;
} {
  const value: unknown = JSON.parse(raw);
  return { text: clientText(raw, value), message: classify(value) };
}

function replyInto(heard: Heard): ClientReply {
  const reply: ClientReply = {
    send: (message: readonly Bytes[]) => {
      heard.messages.push(JSON.parse(utf8Text(message)) as JsonObject);
      if (heard.onOverflow !== undefined) reply.onOverflow?.();
    },
    answer: (answer) => void heard.ends.push(parseAnswer(answer)?.['result']),
    result: (result) => void heard.ends.push(result),
    body: () => void heard.ends.push('body'),
    refuse: (error) => void heard.ends.push(error),
    drop: () => void heard.ends.push('dropped'),
  };
  return reply;
}

/** The calls that a child was sent: whole lines. */
export const sent = (child: ScriptedConnection): readonly JsonObject[] =>
  child.lines.filter(({ method }) => method !== 'tools/list' && method !== 'subscriptions/listen');
export const paramsOf = (line: JsonObject | undefined): JsonObject =>
  isObject(line?.['params']) ? line['params'] : {};
export const lastOf = (child: ScriptedConnection): JsonObject => sent(child).at(-1) ?? {};
/** The server wants something before it goes on. */
export async function wants(child: ScriptedConnection, result: JsonObject): Promise<void> {
  child.answer(Number(lastOf(child)['id']), {
    result: { resultType: 'input_required', ...result },
  });
  await settled();
}
export const asks = (child: ScriptedConnection, questions: JsonObject): Promise<void> =>
  wants(child, { inputRequests: questions, requestState: 'state' });
export async function finishes(child: ScriptedConnection): Promise<void> {
  const result = { resultType: 'complete', content: [] };
  child.answer(Number(lastOf(child)['id']), { result });
  await settled();
}
export function tellProgress(child: ScriptedConnection, progress: number): void {
  const id = Number(lastOf(child)['id']);
  child.progress(id, { progressToken: id, progress });
}
export const questionsIn = (heard: Heard): readonly JsonObject[] =>
  heard.messages.filter(({ id }) => id !== undefined);
export const withdrawnIn = (heard: Heard): readonly unknown[] =>
  heard.messages
    .filter(({ method }) => method === 'notifications/cancelled')
    .map((message) => paramsOf(message)['requestId']);
export const codeOf = (heard: Heard): unknown => {
  const [end] = heard.ends;
  const data = isObject(end) ? end['data'] : undefined;
  return isObject(data) ? data['code'] : undefined;
};
