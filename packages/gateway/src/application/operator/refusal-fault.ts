import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject } from '../../domain/protocol/json-rpc.ts';
import type { RpcRefusal } from '../calls/ask.ts';
import { faultCodeOf } from '../calls/reply.ts';

/** A refusal as a command is told of it: the gateway's own under its code, any other as that of the server. */
export function refusalFault(about: string, { error }: RpcRefusal): Fault {
  const { code, message, data } = error;
  const own = faultCodeOf(error);
  if (own !== undefined) return new Fault(own, message, { data: isObject(data) ? data : {} });
  return new Fault('UPSTREAM_REFUSED', `${about} refused: ${message} (${code})`, {
    data: { rpc: { code, message, ...(data === undefined ? {} : { data }) } },
  });
}
