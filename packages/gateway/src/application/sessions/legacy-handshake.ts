/** How a legacy client begins, on whatever transport. */
import type { Result } from '@mcp-hangar/kernel/result';
import { isObject, RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { negotiateLegacy } from '../../domain/protocol/revisions.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { Endpoint } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import { initializeResult } from './hello.ts';
import type { LegacyClient, LegacySession } from './legacy-session.ts';

/** The client that `initialize` introduces, or why it cannot be one. */
export function readInitialize(
  params: JsonObject | undefined,
  endpoint: Endpoint,
): Result<Omit<LegacyClient, 'id'>, RpcError> {
  const problem = initializeProblem(params);
  if (problem !== undefined) {
    const message = `Invalid params: ${problem}`;
    return { ok: false, error: { code: RPC.invalidParams, message } };
  }
  const revision = negotiateLegacy(params?.['protocolVersion']);
  const capabilities = isObject(params?.['capabilities']) ? params['capabilities'] : {};
  const clientInfo = isObject(params?.['clientInfo']) ? params['clientInfo'] : undefined;
  return { ok: true, value: { revision, endpoint, capabilities, clientInfo } };
}

/** Kept for the session's life, and the key under which children and catalogues are kept. */
const SELF_DESCRIPTION_CHARS_MAX = 16_384;

function initializeProblem(params: JsonObject | undefined): string | undefined {
  if (typeof params?.['protocolVersion'] !== 'string') return '"protocolVersion" must be a string';
  if (!isObject(params['capabilities'])) return '"capabilities" must be an object';
  for (const member of ['capabilities', 'clientInfo']) {
    const { length } = JSON.stringify(params[member] ?? {});
    if (length > SELF_DESCRIPTION_CHARS_MAX)
      return `"${member}" has more than ${SELF_DESCRIPTION_CHARS_MAX} characters`;
  }
  return undefined;
}

/** Answers `initialize`. One server says what it can do, so it is asked first; the whole can do everything. */
export function answerInitialize(hub: Hub, session: LegacySession, reply: ClientReply): void {
  const { view, user, client } = session;
  const waiting = client.endpoint.prefixed ? undefined : hub.known(view, user);
  const answer = (): void => reply.result(initializeResult(hub, view, client.revision));
  if (waiting === undefined) answer();
  else void waiting.then(answer);
}
