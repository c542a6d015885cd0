/**
 * The rounds of one call of a legacy client on a modern server: what the server wants first is asked of the client in
 * requests of its own, then the request goes out again with the answers.
 *
 * States: at the server -> asking, or pausing where nothing is asked -> at the server … -> over.
 * Invariants
 * 1. The request goes on once a round, when every question of the round is answered.
 * 2. When the call is over no question is left open at the client.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { RetryParams } from '../../domain/protocol/bridge-text.ts';
import type { ClientText } from '../../domain/protocol/client-message.ts';
import {
  flawOf,
  missingFor,
  ROUNDS_MAX,
  type InputRequest,
} from '../../domain/protocol/input-rounds.ts';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { WantedInput } from '../../domain/protocol/wanted-input.ts';
import { parseChecked, plainError } from './ask.ts';

/** Where the answer to a question goes. */
export interface AnswerSink {
  answered(answer: ClientText): void;
  /** How far the client says it is. */
  progressed?(progress: ClientText): void;
  /** Nobody will answer. */
  unanswered(reason: Fault): void;
  /** Told before the others, and where the question is taken back: the client is not waited for any more. */
  over?(): void;
}

/** Puts a question to the client. Answers how to take it back. @throws Fault where the client cannot be asked now */
export type PutQuestion = (question: InputRequest, sink: AnswerSink) => () => void;

export interface RoundHost {
  /** What the client has declared. */
  readonly capabilities: JsonObject;
  readonly put: PutQuestion;
  /** The request may go out again. */
  readonly goOn: () => void;
  readonly fail: (error: unknown) => void;
}

/** Before a request goes out again that nobody had to answer anything for: a server may ask for time in this way. */
const PAUSE_MS = 250;

export class Rounds {
  readonly #host: RoundHost;
  #count = 0;
  #questionsCount = 0;
  #requestState: string | undefined;
  /** Questions of this round that wait for the client, and how to take them back. */
  readonly #open = new Map<string, () => void>();
  readonly #answers = new Map<string, JsonObject>();
  #pause: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(host: RoundHost) {
    this.#host = host;
  }

  get isAsking(): boolean {
    return this.#open.size > 0;
  }

  /** What the request carries when it goes out again: of this round alone. */
  get retryParams(): RetryParams {
    const requestState = this.#requestState;
    return {
      ...(this.#answers.size > 0 && { inputResponses: Object.fromEntries(this.#answers) }),
      ...(requestState !== undefined && { requestState }),
    };
  }

  /** The server wants this before it goes on. */
  next({ questions, requestState }: WantedInput): void {
    this.#count += 1;
    this.#questionsCount = questions.size;
    this.#requestState = requestState;
    this.#answers.clear();
    const refusal = this.#refusal(questions);
    if (refusal !== undefined) this.#host.fail(refusal);
    else if (questions.size > 0) this.#ask(questions);
    else this.#pause = setTimeout(() => this.#host.goOn(), PAUSE_MS);
  }

  /** The call is over: its questions are taken back. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#pause);
    for (const takeBack of this.#open.values()) takeBack();
    this.#open.clear();
  }

  /** Why a round is not begun. */
  #refusal(questions: ReadonlyMap<string, InputRequest>): Fault | undefined {
    if (this.#count > ROUNDS_MAX) {
      const detail = `the server still wants input after ${ROUNDS_MAX} rounds`;
      return new Fault('INPUT_ROUNDS_EXCEEDED', detail);
    }
    for (const question of questions.values()) {
      const missing = missingFor(question, this.#host.capabilities);
      if (missing === undefined) continue;
      const detail = `the server wants ${question.method} of a client that has not declared it`;
      const data = { requiredCapabilities: missing };
      return new Fault('INPUT_NOT_SUPPORTED', detail, { data });
    }
    return undefined;
  }

  #ask(questions: ReadonlyMap<string, InputRequest>): void {
    try {
      for (const [key, question] of questions) {
        const asked = { method: question.method }; // what it says is not kept while the client thinks
        const takeBack = this.#host.put(question, {
          answered: (answer) => this.#answered(key, asked, answer),
          unanswered: (reason) => this.#host.fail(reason),
        });
        this.#open.set(key, takeBack);
        if (!this.#isOver) continue;
        this.close(); // the client does not read, which has ended the call
        return;
      }
    } catch (error) {
      this.#host.fail(error);
    }
  }

  #answered(key: string, question: Pick<InputRequest, 'method'>, { text }: ClientText): void {
    this.#open.delete(key);
    const message = parseChecked(text);
    const { error, result } = isObject(message) ? message : {};
    // As both loops of SDK v2 do it: only the client's person can decline or cancel, an error ends the call.
    if (isObject(error)) {
      const { code, message: said } = plainError(error);
      const detail = `the client answered ${question.method} with an error (${code}): ${said}`;
      this.#host.fail(new Fault('INPUT_REFUSED', detail));
      return;
    }
    const flaw = flawOf(question, result);
    if (flaw !== undefined || !isObject(result)) {
      const detail = `the client's answer to ${question.method} ${flaw ?? 'has no result'}`;
      this.#host.fail(new Fault('INPUT_REFUSED', detail));
      return;
    }
    this.#answers.set(key, result);
    if (this.#answers.size === this.#questionsCount) this.#host.goOn();
  }
}
