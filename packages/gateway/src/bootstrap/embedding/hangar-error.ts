import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import { Fault } from '@mcp-hangar/kernel/errors';
import { REMEDIES } from '@mcp-hangar/kernel/remedies';
import { RpcRefusal } from '../../application/calls/ask.ts';
import { faultCodeOf } from '../../application/calls/reply.ts';
import { isObject } from '../../domain/protocol/json-rpc.ts';
import type { JsonObject } from './api.ts';
import type { ErrorCode } from './vocabulary.ts';

/** Every refusal and failure of the gateway. What is none is a defect, or an error of the program that asked. */
export class HangarError extends Error {
  override readonly name = 'HangarError';
  readonly code: ErrorCode;
  /** The same may succeed later. */
  readonly isRetryable: boolean;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
  /** Further facts, such as the problems of a configuration; never a secret. */
  readonly data: JsonObject;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { data?: JsonObject }) {
    super(message, options);
    this.code = code;
    this.isRetryable = ERRORS[code].retryable;
    this.data = options?.data ?? {};
    const { fix, meant } = this.data;
    const nearest = typeof meant === 'string' ? `Did you mean "${meant}"?` : REMEDIES[code];
    this.remedy = typeof fix === 'string' ? fix : nearest;
  }
}

/** What was thrown inside, as the program that asked sees it; what is no refusal passes as it is. */
export function hangarError(error: unknown): Error {
  if (error instanceof Fault)
    return new HangarError(error.code, error.message, { cause: error, data: error.data ?? {} });
  if (!(error instanceof RpcRefusal))
    return error instanceof Error ? error : new Error('a defect of mcp-hangar', { cause: error });
  const { code, message, data } = error.error;
  const known = faultCodeOf(error.error);
  if (known !== undefined) {
    const { code: _code, retryable: _retryable, ...rest } = isObject(data) ? data : {};
    return new HangarError(known, message, { data: rest });
  }
  // The server's own words, or a rule of the protocol.
  return new HangarError('UPSTREAM_REFUSED', message, { data: { rpc: { code, message, data } } });
}
