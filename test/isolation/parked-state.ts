/** What a modern client knows of a call of its own that waits for it. */
import { LEG_MS_MAX } from '../../packages/gateway/src/domain/protocol/input-rounds.ts';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import type { TestRequest } from './test-request.ts';

/** How a client answers a round of questions. */
export type Answering = 'all' | 'some' | 'none' | 'wrong keys' | 'flawed' | 'declined';

export interface Asked {
  readonly method: string;
  /** Names the question as its server knows it. */
  readonly mark: string;
}

export class ParkedState {
  readonly root: TestRequest;
  /** The request that was answered with these questions. */
  readonly leg: TestRequest;
  readonly text: string;
  /** To whom it was handed. */
  readonly principal: string;
  readonly questions: ReadonlyMap<string, Asked>;
  readonly expiresAtMs: number;
  status: 'open' | 'used' | 'dead' = 'open';
  /** The server has answered meanwhile. */
  isOwed: boolean;

  constructor(
    leg: TestRequest,
    result: JsonObject,
    { principal, nowMs }: { readonly principal: string; readonly nowMs: number },
  ) {
    const { requestState, inputRequests } = result;
    this.root = leg.root;
    this.leg = leg;
    this.text = String(requestState);
    this.principal = principal;
    this.questions = questionsIn(inputRequests);
    this.expiresAtMs = nowMs + LEG_MS_MAX;
    // An answer that crossed with the question is kept for whoever comes back.
    this.isOwed = leg.isOwed && this.isParked;
  }

  /** The gateway has sealed it, not the server. */
  get isOurs(): boolean {
    return this.text.startsWith('hgr1.');
  }

  /** A call waits for it at its server; else the request is made anew. */
  get isParked(): boolean {
    return this.isOurs && [...this.questions.keys()].every((key) => key.startsWith('question-'));
  }

  answers(how: Answering, by: string): JsonObject {
    const asked = [...this.questions];
    const some = how === 'some' ? asked.slice(0, Math.ceil(asked.length / 2)) : asked;
    if (how === 'none') return {};
    if (how === 'wrong keys') return { other: answerTo(by, 'nothing'), '': 1 };
    return Object.fromEntries(
      some.map(([key, { mark }], index) => {
        const isBad = how === 'flawed' && index === 0;
        const action = how === 'declined' ? 'decline' : 'accept';
        return [key, isBad ? `from ${by}` : { ...answerTo(by, mark), action }];
      }),
    );
  }

  /** Whether the gateway has sent the client back to answer better. */
  isFlaw({ outcome, text }: TestRequest): boolean {
    return outcome === 'refusal' && text.includes('Invalid params: inputResponses[');
  }
}

/** Fits a question of any kind. @param mark names the question that it is for */
export const answerTo = (by: string, mark: string): JsonObject => ({
  action: 'accept',
  role: 'assistant',
  roots: [],
  content: { by, mark },
});

export function questionsIn(inputRequests: unknown): ReadonlyMap<string, Asked> {
  const entries = Object.entries(isObject(inputRequests) ? inputRequests : {});
  return new Map(
    entries.map(([key, question]) => {
      const { method, params } = isObject(question) ? question : {};
      return [key, { method: String(method), mark: markIn(params) }];
    }),
  );
}

/** The name of a question, as the scripted child has written it. */
export function markIn(params: unknown): string {
  const meta = isObject(params) && isObject(params['_meta']) ? params['_meta'] : {};
  return typeof meta['mark'] === 'string' ? meta['mark'] : '';
}

/** The state with one character of its sealed part changed. */
export function tampered(state: string, at: number): string {
  const start = state.lastIndexOf('.') + 1;
  const index = start + (at % (state.length - start));
  const other = state[index] === 'A' ? 'B' : 'A';
  return state.slice(0, index) + other + state.slice(index + 1);
}
