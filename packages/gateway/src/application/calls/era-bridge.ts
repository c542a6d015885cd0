/** Requests and answers between a client of one era and a child of the other, as far as they are plain. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { legacyResult, modernError, modernResult } from '../../domain/protocol/bridge.ts';
import {
  answerForLegacy,
  answerForModern,
  requestForLegacy,
  requestForModern,
} from '../../domain/protocol/bridge-text.ts';
import { cutForServer } from '../../domain/protocol/client-message.ts';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { META, MODERN_REVISION, type Era } from '../../domain/protocol/revisions.ts';
import type { RawAnswer } from '../ports.ts';
import { parseAnswer, plainError } from './ask.ts';
import { latin1, type OutgoingRequest, type Replacement } from './call.ts';
import { editedAnswer } from './edited-answer.ts';
import { rpcErrorOf, type ClientReply } from './reply.ts';

/** An answer that is rewritten is parsed first, which holds up everybody else. */
const BRIDGED_BYTES_MAX = 8_388_608;

/** Methods that only one era has and that no single request of the other can stand for. */
const LEGACY_ONLY: ReadonlySet<string> = new Set([
  'resources/subscribe',
  'resources/unsubscribe',
  'logging/setLevel',
]);

export class EraBridge {
  readonly #info: JsonObject;
  /** The same as text of one byte a character. */
  readonly #infoText: string;
  readonly #envelope: JsonObject;
  readonly #strayState: (state: unknown) => Fault;

  /**
   * @param info name and version of the gateway, as client and as server
   * @param strayState what is wrong with a request state that comes for a server which hands out none
   */
  constructor(info: JsonObject, strayState: (state: unknown) => Fault) {
    this.#info = info;
    this.#infoText = latin1(JSON.stringify(info));
    this.#envelope = {
      [META.protocolVersion]: MODERN_REVISION,
      [META.clientCapabilities]: {},
      [META.clientInfo]: info,
    };
    this.#strayState = strayState;
  }

  /** The request for a child of `era`, cut where the gateway's id goes. @throws Fault ERA_BRIDGE_NEEDED */
  parts(request: OutgoingRequest, era: Era, replace: Replacement | undefined): readonly string[] {
    if (era === 'modern' && LEGACY_ONLY.has(request.method)) {
      throw new Fault(
        'ERA_BRIDGE_NEEDED',
        `${request.method} does not reach a server of the 2026-07-28 revision in this build`,
      );
    }
    const state = request.params?.['requestState'];
    if (era === 'legacy' && state !== undefined) throw this.#strayState(state);
    const { text } = request.text;
    const edits =
      era === 'modern' ? requestForModern(text, this.#envelope) : requestForLegacy(text);
    return cutForServer(request.text, replace, edits);
  }

  answer(request: OutgoingRequest, answer: RawAnswer, reply: ClientReply): void {
    if (answer.bytes > BRIDGED_BYTES_MAX) {
      const detail = `the answer has ${answer.bytes} bytes; across eras ${BRIDGED_BYTES_MAX} pass at most`;
      reply.refuse(rpcErrorOf(new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail)));
      return;
    }
    const edited = answer.isError ? undefined : this.#edited(request, answer);
    if (edited !== undefined) {
      reply.answer(edited);
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

  #edited({ era, method }: OutgoingRequest, answer: RawAnswer): RawAnswer | undefined {
    return editedAnswer(answer, (text) =>
      era === 'modern'
        ? answerForModern(text, method, this.#infoText)
        : answerForLegacy(text, false),
    );
  }
}

const unfinished = (resultType: string): ReturnType<typeof rpcErrorOf> =>
  rpcErrorOf(
    new Fault(
      'ERA_BRIDGE_NEEDED',
      `the server answered "${resultType}", which needs a client of the 2026-07-28 revision in this build`,
    ),
  );
