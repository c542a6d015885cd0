/** Requests and answers between a client of one era and a child of the other. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { latin1 } from '../byte-text.ts';
import {
  answerForLegacy,
  answerForModern,
  requestForLegacy,
  requestForModern,
  type Introduction,
  type RetryParams,
} from '../../domain/protocol/bridge-text.ts';
import {
  hopDetail,
  isAboutOurHop,
  legacyError,
  legacyResult,
  modernError,
  modernResult,
} from '../../domain/protocol/bridge.ts';
import { capabilitiesForModern } from '../../domain/protocol/capabilities.ts';
import { cutForServer } from '../../domain/protocol/client-message.ts';
import { isObject, RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { legacyToolResult } from '../../domain/protocol/structured-content.ts';
import { wantedInput, type WantedInput } from '../../domain/protocol/wanted-input.ts';
import type { RawAnswer } from '../ports.ts';
import type { Child } from '../servers/child.ts';
import { toolNeedsModernTask } from '../tasks/task-faults.ts';
import { parseAnswer, plainError } from './ask.ts';
import type { OutgoingRequest } from './call.ts';
import type { Replacement } from './delivery.ts';
import { editedAnswer } from './edited-answer.ts';
import { rpcErrorOf } from './reply.ts';

/** An answer that is rewritten is read first, which holds up everybody else. */
const BRIDGED_BYTES_MAX = 8_388_608;

/** How the request for the server differs from the client's, beside its era. */
interface Changes {
  readonly replace: Replacement | undefined;
  readonly retry: RetryParams | undefined;
}

/** What an answer comes to in the client's era. */
export type Bridged =
  | { readonly kind: 'answer'; readonly answer: RawAnswer }
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'refused'; readonly error: RpcError }
  /** The server wants something of the client first. */
  | { readonly kind: 'input'; readonly wanted: WantedInput };

export class EraBridge {
  readonly #info: JsonObject;
  /** The same as text of one byte a character. */
  readonly #infoText: string;
  /** What modern servers are told of the capabilities that a session declared. */
  readonly #told = new WeakMap<JsonObject, JsonObject>();
  readonly #strayState: (state: unknown) => Fault;

  /**
   * @param info name and version of the gateway, as client and as server
   * @param strayState what is wrong with a request state that comes for a server which hands out none
   */
  constructor(info: JsonObject, strayState: (state: unknown) => Fault) {
    this.#info = info;
    this.#infoText = latin1(JSON.stringify(info));
    this.#strayState = strayState;
  }

  /**
   * The request for a child of the other era, cut where the gateway's id goes.
   * @throws Fault: what is wrong with a request state
   */
  parts(request: OutgoingRequest, child: Child, { replace, retry }: Changes): readonly string[] {
    const { era } = child.seat;
    const state = request.params?.['requestState'];
    if (era === 'legacy' && state !== undefined) throw this.#strayState(state);
    const { text } = request.text;
    const edits =
      era === 'modern'
        ? requestForModern(text, this.#introduction(request, child), retry)
        : requestForLegacy(text);
    return cutForServer(request.text, replace, edits);
  }

  /** What the client is told of an answer of the other era. @param wraps whether it is shown the tool's output wrapped */
  read(request: OutgoingRequest, answer: RawAnswer, wraps: () => boolean): Bridged {
    if (answer.bytes > BRIDGED_BYTES_MAX) {
      const detail = `the answer has ${answer.bytes} bytes; across eras ${BRIDGED_BYTES_MAX} pass at most`;
      return refused(new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail));
    }
    const edited = answer.isError ? undefined : this.#edited(request, answer, wraps);
    if (edited !== undefined) return { kind: 'answer', answer: edited };
    const message = parseAnswer(answer);
    const { error, result } = message ?? {};
    if (isObject(error)) {
      const plain = { ...error, ...plainError(error) };
      return request.era === 'modern'
        ? { kind: 'refused', error: modernError(plain) }
        : errorForLegacy(plain);
    }
    if (!isObject(result)) {
      const none = { code: RPC.internalError, message: 'the server answered with no result' };
      return { kind: 'refused', error: none };
    }
    return request.era === 'modern'
      ? { kind: 'result', result: modernResult(request.method, result, this.#info) }
      : resultForLegacy(request.method, result, wraps);
  }

  #edited(
    { era, method }: OutgoingRequest,
    answer: RawAnswer,
    wraps: () => boolean,
  ): RawAnswer | undefined {
    return editedAnswer(answer, (text) =>
      era === 'modern'
        ? answerForModern(text, method, this.#infoText)
        : answerForLegacy(text, wraps),
    );
  }

  #introduction({ user }: OutgoingRequest, { seat, connection }: Child): Introduction {
    const { capabilities } = user.asker;
    let told = this.#told.get(capabilities);
    if (told === undefined)
      this.#told.set(capabilities, (told = capabilitiesForModern(capabilities)));
    return {
      capabilities: told,
      clientInfo: user.clientInfo ?? this.#info,
      // On the pipe of a child that all share nobody could tell whose the lines are.
      logLevel:
        seat.kind === 'shared' && connection.pid !== undefined ? undefined : user.owner.logLevel,
    };
  }
}

function resultForLegacy(method: string, result: JsonObject, wraps: () => boolean): Bridged {
  const read = legacyResult(result);
  switch (read.kind) {
    case 'result':
      return method === 'tools/call' && 'structuredContent' in read.result
        ? { kind: 'result', result: legacyToolResult(read.result, wraps()) }
        : read;
    case 'input': {
      const wanted = wantedInput(method, result);
      if (wanted.ok) return { kind: 'input', wanted: wanted.value };
      const detail = `the server wants input in a way that cannot be understood: ${wanted.error}`;
      return refused(new Fault('UPSTREAM_PROTOCOL_ERROR', detail));
    }
    case 'foreign': {
      const detail = `the server answered with a result of type "${read.resultType}", which nobody has asked it for`;
      return refused(new Fault('UPSTREAM_PROTOCOL_ERROR', detail));
    }
  }
}

function errorForLegacy(error: RpcError): Bridged {
  const noTask = toolNeedsModernTask(error);
  if (noTask !== undefined) return { kind: 'refused', error: noTask };
  if (!isAboutOurHop(error)) return { kind: 'refused', error: legacyError(error) };
  const data = { upstreamCode: error.code };
  return refused(new Fault('UPSTREAM_PROTOCOL_ERROR', hopDetail(error), { data }));
}

const refused = (fault: Fault): Bridged => ({ kind: 'refused', error: rpcErrorOf(fault) });
