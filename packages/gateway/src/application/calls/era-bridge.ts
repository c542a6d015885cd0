/** Requests and answers between a client of one era and a child of the other, as far as they are plain. */
import { Fault } from '@mcp-hangar/kernel/errors';
import {
  legacyParams,
  legacyResult,
  modernError,
  modernParams,
  modernResult,
} from '../../domain/protocol/bridge.ts';
import {
  CLIENT_SLOT,
  clientText,
  cutForServer,
  type ClientText,
} from '../../domain/protocol/client-message.ts';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { hasSpan } from '../../domain/protocol/json-spans.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { RawAnswer } from '../ports.ts';
import { parseAnswer, parseExactly, plainError } from './ask.ts';
import type { OutgoingRequest, Replacement } from './call.ts';
import { rpcErrorOf, type ClientReply } from './reply.ts';

/** An answer that is rewritten is parsed first, which holds up everybody else. */
const BRIDGED_BYTES_MAX = 8_388_608;

/** Methods that only one era has and that no single request of the other can stand for. */
const LEGACY_ONLY: ReadonlySet<string> = new Set(['logging/setLevel']);

export class EraBridge {
  readonly #info: JsonObject;

  /** @param info name and version of the gateway, as client and as server */
  constructor(info: JsonObject) {
    this.#info = info;
  }

  /** The request for a child of `era`, cut where the gateway's id goes. @throws Fault ERA_BRIDGE_NEEDED */
  parts(request: OutgoingRequest, era: Era, replace: Replacement | undefined): readonly string[] {
    if (era === 'modern' && LEGACY_ONLY.has(request.method)) {
      throw new Fault(
        'ERA_BRIDGE_NEEDED',
        `${request.method} does not reach a server of the 2026-07-28 revision in this build`,
      );
    }
    const replaced = applyReplace(exactParams(request), request.text, replace);
    const params = era === 'modern' ? modernParams(replaced, this.#info) : legacyParams(replaced);
    const message = { jsonrpc: '2.0', id: 0, method: request.method, params };
    return cutForServer(clientText(JSON.stringify(message), message));
  }

  answer(request: OutgoingRequest, answer: RawAnswer, reply: ClientReply): void {
    if (answer.bytes > BRIDGED_BYTES_MAX) {
      const detail = `the answer has ${answer.bytes} bytes; across eras ${BRIDGED_BYTES_MAX} pass at most`;
      reply.refuse(rpcErrorOf(new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail)));
      return;
    }
    const message = parseAnswer(answer);
    const { error, result } = message ?? {};
    if (isObject(error)) {
      const plain = { ...error, ...plainError(error) };
      reply.refuse(request.era === 'modern' ? modernError(plain) : plain);
    } else if (!isObject(result)) {
      reply.refuse({ code: RPC.internalError, message: 'the server answered with no result' });
    } else if (request.era === 'modern') {
      reply.result(modernResult(request.method, result, this.#info));
    } else {
      const legacy = legacyResult(result);
      if (legacy.kind === 'result') reply.result(legacy.result);
      else reply.refuse(unfinished(legacy.resultType));
    }
  }
}

const unfinished = (resultType: string): ReturnType<typeof rpcErrorOf> =>
  rpcErrorOf(
    new Fault(
      'ERA_BRIDGE_NEEDED',
      `the server answered "${resultType}", which needs a client of the 2026-07-28 revision in this build`,
    ),
  );

/** The params once more, with numbers that are written again as the client wrote them. */
function exactParams({ text }: OutgoingRequest): JsonObject | undefined {
  const message = parseExactly(text.text);
  const params = isObject(message) ? message['params'] : undefined;
  return isObject(params) ? params : undefined;
}

/** The params with the server's own name or URI in the place that the text would be edited. */
function applyReplace(
  params: JsonObject | undefined,
  text: ClientText,
  replace: Replacement | undefined,
): JsonObject | undefined {
  if (replace === undefined || params === undefined || !hasSpan(text.spans, replace.slot))
    return params;
  const value: unknown = JSON.parse(replace.text);
  switch (replace.slot) {
    case CLIENT_SLOT.name:
      return { ...params, name: value };
    case CLIENT_SLOT.uri:
      return { ...params, uri: value };
    default: {
      const member = replace.slot === CLIENT_SLOT.refName ? 'name' : 'uri';
      return {
        ...params,
        ref: { ...(isObject(params['ref']) ? params['ref'] : {}), [member]: value },
      };
    }
  }
}
