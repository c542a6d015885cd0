/** The client's side of one request: what arrives is checked for its owner, and settles once. */
import { parseAnswer } from '../../packages/gateway/src/application/calls/ask.ts';
import type { ClientReply } from '../../packages/gateway/src/application/calls/reply.ts';
import type { Bytes, RawAnswer } from '../../packages/gateway/src/application/ports.ts';
import type { JsonObject, RpcError } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';

export type Outcome = 'answer' | 'result' | 'refusal' | 'nothing';

export interface ReplyWitness {
  message(text: string): void;
  settled(outcome: Outcome, text: string): void;
}

export class TestReply implements ClientReply {
  readonly #witness: ReplyWitness;
  #settled = false;

  constructor(witness: ReplyWitness) {
    this.#witness = witness;
  }

  send(message: readonly Bytes[]): void {
    // A transport drops what comes after the answer; for the oracle it has arrived all the same.
    this.#witness.message(textOf(message));
  }

  answer(answer: RawAnswer): void {
    const message = parseAnswer(answer);
    this.#settle(message === undefined ? 'nothing' : 'answer', JSON.stringify(message));
  }

  result(result: JsonObject): void {
    this.#settle('result', JSON.stringify(result));
  }

  body(tail: Buffer): void {
    const { result } = JSON.parse(`{${tail.toString('utf8')}`) as JsonObject;
    this.#settle('result', JSON.stringify(result));
  }

  refuse(error: RpcError): void {
    this.#settle('refusal', JSON.stringify(error));
  }

  drop(): void {
    if (!this.#settled) this.#settle('nothing', '');
  }

  #settle(outcome: Outcome, text: string): void {
    this.#witness.settled(this.#settled ? 'nothing' : outcome, text);
    if (this.#settled) throw new Error(`a request was answered twice: ${text}`);
    this.#settled = true;
  }
}

export const textOf = (bytes: readonly Bytes[]): string =>
  Buffer.concat(
    bytes.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  ).toString('utf8');
