/**
 * One call of a modern client on servers of the legacy era, over as many requests as it takes. What a server asks
 * meanwhile becomes the answer to the client's request, and the client's next request brings the answers; the call at
 * the server goes on all the while.
 *
 * States: attached (a request of the client waits) ⇄ parked (the client has questions to answer) -> over.
 * Invariants
 * 1. Every request of the client is answered once; what the server says while none waits is kept for the next.
 * 2. A question is answered once: by the client, or with an error when the call is over.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { utf8 } from '../byte-text.ts';
import { oneLine, type ClientText } from '../../domain/protocol/client-message.ts';
import {
  flawOf,
  inputRequired,
  missingCapability,
  missingFor,
  pagesWanted,
  QUESTIONS_MAX,
  questionParams,
  ROUNDS_MAX,
  type InputRequest,
} from '../../domain/protocol/input-rounds.ts';
import { isObject, RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import { parseChecked, parseExactly, paramsIn, paramsOf } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import {
  faultCodeOf,
  NOTHING_PENDING,
  rpcErrorOf,
  type ClientReply,
  type Pending,
} from '../calls/reply.ts';
import type { Bytes, RawAnswer, UpstreamCall } from '../ports.ts';
import type { Child, Owner, ServerNotification, ServerRequest } from '../servers/child.ts';
import type { Declared, Parking, Retry, Waiting } from './parking.ts';

/** What a conversation is about. */
export interface Subject {
  readonly principal: string;
  readonly method: string;
  readonly name: string | undefined;
  /** Of the request's text. */
  readonly chars: number;
  readonly declared: Declared;
  /** Made when it is needed: most calls are never parked. */
  readonly digest: () => string;
  /** Times that the client was asked before, where nothing was kept in between. */
  readonly roundsBefore: number;
}

interface Question extends InputRequest {
  readonly child: Child;
  /** The server's id as it wrote it. */
  readonly rawId: string;
  readonly bytes: number;
}

/** What a server says while its client is away may wait up to here. */
const HELD_BYTES_MAX = 1_048_576;
/** Of the questions that are open in one call. */
const QUESTIONS_BYTES_MAX = 4_194_304;
/** Questions of one round come closer together than this, some milliseconds apart over a pipe. */
const QUIET_MS = 10;
/** A round begins with what was asked in this time. */
const GATHERED_MS_MAX = 50;

export class Conversation implements ClientReply, Owner, Waiting {
  readonly #parking: Parking;
  readonly #subject: Subject;
  /** Set where the transport would end the call: given on to whoever reads the answer now. */
  #onOverflow: (() => void) | undefined;
  /** The request that waits; undefined while the call is parked, and when it is over. */
  #reply: ClientReply | undefined;
  #call: Call | undefined;
  #id: string | undefined;
  #round: number;
  /** Of the request that waits, or waited last: every request says anew what it can be asked and told. */
  #declared: Declared;
  #nextKey = 1;
  readonly #questions = new Map<string, Question>();
  #questionBytes = 0;
  /** Runs while questions are gathered for one round. */
  #gathering: NodeJS.Timeout | undefined;
  #gatheringSinceMs = 0;
  #isOver = false;
  /** Children whose call is parked. */
  readonly #parked = new Set<Child>();
  /** The answer that came while nobody waited. */
  #held: ((reply: ClientReply) => void) | undefined;

  constructor(parking: Parking, subject: Subject, reply: ClientReply) {
    this.#parking = parking;
    this.#subject = subject;
    this.#reply = reply;
    this.#round = subject.roundsBefore;
    this.#declared = subject.declared;
  }

  /** Tells what carries the conversation out. Answers what can be done with the request that began it. */
  carriedBy(call: Call): Pending {
    this.#call = call;
    return this.#leg(this.#reply);
  }

  // The client's side: what the call says to whoever waits.

  get onOverflow(): (() => void) | undefined {
    return this.#onOverflow;
  }

  set onOverflow(end: (() => void) | undefined) {
    this.#onOverflow = end;
    if (this.#reply !== undefined) this.#reply.onOverflow = end;
  }

  send(message: readonly Bytes[]): void {
    this.#reply?.send(message);
  }

  answer(answer: RawAnswer): void {
    this.#settle((reply) => reply.answer(answer));
  }

  result(result: JsonObject): void {
    this.#settle((reply) => reply.result(result));
  }

  body(tail: Buffer): void {
    this.#settle((reply) => reply.body(tail));
  }

  refuse(error: RpcError): void {
    // The gateway has given up a call that nobody waits for: there is nothing to come back to.
    if (this.#reply === undefined && faultCodeOf(error) !== undefined) this.drop();
    else if (error.code === RPC.urlElicitationRequired) this.#sendToPages(error);
    else this.#settle((reply) => reply.refuse(error));
  }

  drop(): void {
    const reply = this.#reply;
    this.#end();
    reply?.drop();
  }

  get bytes(): number {
    return this.#subject.chars + this.#questionBytes;
  }

  // The server's side: what it asks and says.

  get logLevel(): string | undefined {
    return this.#subject.declared.logLevel;
  }

  serverRequest(child: Child, request: ServerRequest, during?: UpstreamCall): void {
    const { method, rawId, line } = request;
    if (this.#isOver || child.seat.era === 'modern' || this.#questions.size >= QUESTIONS_MAX) {
      child.refuse(rawId, RPC.internalError, 'the client cannot be asked now');
      return;
    }
    const bytes = line.text.length;
    if (this.#questionBytes + bytes > QUESTIONS_BYTES_MAX || !this.#parking.hasRoomFor(bytes)) {
      const reason = `the client cannot be asked: ${bytes} bytes are more than can be kept for it`;
      child.refuse(rawId, RPC.internalError, reason);
      return;
    }
    const said = paramsIn(line, parseExactly);
    if (said === undefined) {
      child.refuse(rawId, RPC.invalidRequest, 'the request cannot be read');
      return;
    }
    const params = questionParams(said);
    const missing = missingFor({ method, params }, this.#declared.capabilities);
    if (missing !== undefined) {
      child.refuseAsking(request, missing, during);
      return;
    }
    child.asking += 1;
    this.#questions.set(`question-${this.#nextKey++}`, { child, rawId, method, params, bytes });
    this.#count(bytes);
    this.#askSoon();
  }

  serverNotification(child: Child, notification: ServerNotification): void {
    const { method, line } = notification;
    // A child that was not told at the start may speak of others, whatever the client wants by now.
    const wantsLogs = this.logLevel !== undefined && this.#declared.logLevel !== undefined;
    if (method === 'notifications/message' && wantsLogs) this.send([line.text]);
    if (method !== 'notifications/cancelled') return;
    const rawId = spanText(line.text, line.spans, SERVER_SLOT.requestId);
    for (const [key, question] of this.#questions)
      if (question.child === child && question.rawId === rawId) this.#close(key, question);
  }

  childEnded(child: Child): void {
    for (const [key, question] of this.#questions)
      if (question.child === child) this.#close(key, question);
  }

  listsChanged(): void {} // what changes for everybody is told by the catalogues

  // Rounds

  goOn({ reply, text, declared }: Retry): Pending {
    const responses = responsesIn(text);
    const flaw = this.#flawIn(responses);
    if (flaw !== undefined) {
      reply.refuse({ code: RPC.invalidParams, message: `Invalid params: ${flaw}` });
      return NOTHING_PENDING;
    }
    if (this.#id !== undefined) this.#parking.went(this.#id, this.#round);
    for (const child of this.#parked) child.isParked = false;
    this.#parked.clear();
    this.#reply = reply;
    this.#declared = declared;
    reply.onOverflow = this.#onOverflow;
    this.#call?.continuedBy(text);
    if (this.#held === undefined) this.#give(responses);
    else this.#settle(this.#held);
    return this.#leg(reply);
  }

  abandon(reason: string): void {
    this.#call?.cancel(reason);
    this.#end();
  }

  #leg(reply: ClientReply | undefined): Pending {
    return {
      cancel: (reason) => {
        if (reply !== undefined && reply === this.#reply) this.#call?.cancel(reason);
      },
    };
  }

  #flawIn(responses: JsonObject): string | undefined {
    for (const [key, question] of this.#questions) {
      if (!Object.hasOwn(responses, key)) continue; // it is asked once more
      const flaw = flawOf(question, responses[key]);
      if (flaw !== undefined) return `inputResponses["${key}"]: ${flaw}`;
    }
    return undefined;
  }

  /** Gives the servers what the client answered, and asks again for what it did not. */
  #give(responses: JsonObject): void {
    for (const [key, question] of this.#questions) {
      if (!Object.hasOwn(responses, key)) {
        this.#keepAsking(key, question);
        continue;
      }
      const result = oneLine(JSON.stringify(responses[key]));
      const rawId = utf8(question.rawId);
      question.child.connection.write(`{"jsonrpc":"2.0","id":${rawId},"result":${result}}`);
      this.#close(key, question);
    }
    this.#ask();
  }

  /** A question without an answer is asked once more, unless the client has ceased to support it. */
  #keepAsking(key: string, question: Question): void {
    const missing = missingFor(question, this.#declared.capabilities);
    if (missing === undefined) return;
    question.child.refuseAsking(question, missing);
    this.#close(key, question);
  }

  /** One round for all that is asked together: a server that asks several things writes them one after the other. */
  #askSoon(): void {
    const nowMs = performance.now();
    if (this.#gathering === undefined) this.#gatheringSinceMs = nowMs;
    clearTimeout(this.#gathering);
    const leftMs = this.#gatheringSinceMs + GATHERED_MS_MAX - nowMs;
    this.#gathering = setTimeout(
      () => {
        this.#gathering = undefined;
        this.#ask();
      },
      Math.min(QUIET_MS, leftMs),
    );
  }

  #ask(): void {
    const reply = this.#reply;
    if (reply === undefined || this.#questions.size === 0) return;
    try {
      if (this.#round >= ROUNDS_MAX) throw tooManyRounds();
      this.#round += 1;
      this.#id ??= this.#parking.newId();
      const state = this.#parking.park(this.#id, this.#facts(), this);
      this.#reply = undefined;
      for (const { child } of this.#questions.values()) this.#parked.add(child);
      for (const child of this.#parked) child.isParked = true;
      reply.result(inputRequired(this.#questions, state, this.#parking.info));
    } catch (error) {
      this.#reply = reply; // it has no answer yet
      this.#call?.giveUp(error);
    }
  }

  #facts(): Parameters<Parking['park']>[1] {
    const { principal, method, name, digest } = this.#subject;
    return {
      principal,
      method,
      name,
      mcpServerId: this.#call?.mcpServerId,
      requestDigest: digest(),
      asks: [...this.#questions.values()].map((question) => question.method),
      round: this.#round,
    };
  }

  /** The server wants pages visited first; it has ended the call, so the client's next request is a new one. */
  #sendToPages(error: RpcError): void {
    const pages = pagesWanted(error);
    const { principal, method, name, digest } = this.#subject;
    const [first] = pages.values();
    this.#settle((reply) => {
      const { capabilities } = this.#declared;
      const missing = first === undefined ? undefined : missingFor(first, capabilities);
      if (missing !== undefined) reply.refuse(missingCapability(missing));
      else if (first === undefined)
        reply.refuse({ code: RPC.internalError, message: error.message });
      else if (this.#round >= ROUNDS_MAX) reply.refuse(rpcErrorOf(tooManyRounds()));
      else {
        const round = this.#round + 1;
        const facts = { principal, method, name, requestDigest: digest(), round };
        const state = this.#parking.sealAgain(facts);
        reply.result(inputRequired(pages, state, this.#parking.info));
      }
    });
  }

  #settle(answer: (reply: ClientReply) => void): void {
    const reply = this.#reply;
    if (this.#isOver) return;
    if (reply === undefined) {
      this.#held = this.#keepable(answer);
      this.#closeAll();
      return;
    }
    this.#end();
    answer(reply);
  }

  #keepable(answer: (reply: ClientReply) => void): (reply: ClientReply) => void {
    const bytes = this.#call?.ending?.bytes ?? 0;
    if (bytes <= HELD_BYTES_MAX) return answer;
    const detail = `the answer has ${bytes} bytes and its client was away; ${HELD_BYTES_MAX} are kept`;
    const tooLarge = rpcErrorOf(new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail));
    return (reply) => reply.refuse(tooLarge);
  }

  #end(): void {
    this.#isOver = true;
    this.#reply = undefined;
    if (this.#id !== undefined) this.#parking.leave(this.#id);
    this.#closeAll();
  }

  #closeAll(): void {
    for (const [key, question] of this.#questions) {
      if (!question.child.isGone)
        question.child.refuse(question.rawId, RPC.internalError, 'the call is over');
      this.#close(key, question);
    }
    for (const child of this.#parked) child.isParked = false;
    this.#parked.clear();
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }

  #close(key: string, { child, bytes }: Question): void {
    if (this.#questions.delete(key)) this.#count(-bytes);
    child.asked();
  }

  #count(bytes: number): void {
    this.#questionBytes += bytes;
    this.#parking.questionBytes += bytes;
  }
}

const tooManyRounds = (): Fault =>
  new Fault('INPUT_ROUNDS_EXCEEDED', `${ROUNDS_MAX} rounds of questions are the limit`);

/** The answers that a retry brings, by the keys of the questions. */
export function responsesIn({ text }: ClientText): JsonObject {
  const responses = paramsOf(text, parseChecked)?.['inputResponses'];
  return isObject(responses) ? responses : {};
}
