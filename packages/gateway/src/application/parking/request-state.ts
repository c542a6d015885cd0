/** What a client carries between its requests, sealed: which call goes on, whose it is, and until when. */
import { createHash } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import { canonicalJson } from '../../domain/protocol/canonical-json.ts';
import { withoutRound } from '../../domain/protocol/input-rounds.ts';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Sealer } from '../ports.ts';

export interface RequestState {
  /** `call`: one that waits here. `again`: the same request is made anew, nothing waits. */
  readonly kind: 'call' | 'again';
  readonly id: string;
  readonly principal: string;
  readonly requestDigest: string;
  readonly expiresAtMs: number;
  readonly round: number;
}

/** Who brings a state back, with which request. */
export interface Bearer {
  readonly principal: string;
  readonly requestDigest: string;
}

/** Of what a request asks for, where: without what may differ between a request and its retry. */
export function requestDigest(
  endpoint: string,
  method: string,
  params: JsonObject | undefined,
): string {
  const { _meta, ...asked } = withoutRound(params ?? {});
  const text = canonicalJson([endpoint, method, asked]);
  return createHash('sha256').update(text).digest('base64url');
}

export const sealState = (sealer: Sealer, state: RequestState): string =>
  sealer.seal(JSON.stringify(state));

/**
 * The state that a text holds; undefined where it is not this gateway's: the server it goes to may know it.
 * @throws Fault REQUEST_STATE_INVALID
 */
export function openState(sealer: Sealer, sealed: string): RequestState | undefined {
  const opened = sealer.open(sealed);
  if (opened.kind === 'broken') throw new Fault('REQUEST_STATE_INVALID', 'it was changed');
  return opened.kind === 'ours' ? readState(opened.text) : undefined;
}

/** What a client is told whose state goes to a server that hands out none. */
export function strayState(sealer: Sealer, sealed: unknown): Fault {
  const isForeign = typeof sealed === 'string' && sealer.open(sealed).kind === 'foreign';
  return isForeign
    ? new Fault('PARKED_CALL_GONE', 'it was made before the gateway started; make the call again')
    : new Fault('REQUEST_STATE_INVALID', 'this gateway did not hand it out');
}

/** @throws Fault REQUEST_STATE_FOREIGN, REQUEST_STATE_MISMATCH, REQUEST_STATE_EXPIRED */
export function checkBearer(state: RequestState, bearer: Bearer, nowMs: number): void {
  if (state.principal !== bearer.principal)
    throw new Fault('REQUEST_STATE_FOREIGN', 'it was handed to somebody else');
  if (state.requestDigest !== bearer.requestDigest) {
    const detail = 'method, name and arguments must be those of the request that it answered';
    throw new Fault('REQUEST_STATE_MISMATCH', detail);
  }
  if (state.expiresAtMs <= nowMs)
    throw new Fault('REQUEST_STATE_EXPIRED', 'the answers came too late; make the call again');
}

/** Only what this process sealed gets here. */
function readState(text: string): RequestState {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error('a request state is an object');
  return value as unknown as RequestState;
}
