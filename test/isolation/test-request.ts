/** One request of a test client. A call of the modern era may take several: the first is the root of the others. */
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import type { Canary } from './canary.ts';
import type { Outcome } from './test-reply.ts';

/** A request state that comes back. */
export interface BroughtState {
  /** The server has answered: whoever comes back rightly must get that. */
  readonly isOwed: boolean;
  /** The code with which it must be refused; undefined where the call may go on. */
  readonly mustFail: string | undefined;
}

export interface SentRequest {
  /** Names the request itself; what the call is about names its root. */
  readonly canary: Canary;
  readonly method: string;
  readonly params: JsonObject;
  readonly token: string | undefined;
  readonly brings: BroughtState | undefined;
}

export class TestRequest {
  readonly sent: SentRequest;
  /** The first request of the call: itself, unless it goes on with one. */
  readonly root: TestRequest;
  /** Of a root: the request of its call that waits, or waited last. */
  leg: TestRequest;
  outcome: Outcome | undefined;
  text = '';
  /** The client gave it up; it may or may not be answered. */
  isGivenUp = false;
  /** The server answered while the client still waited: then the client must get that. */
  isOwed: boolean;
  cancel: () => void = () => undefined;

  constructor(sent: SentRequest, root?: TestRequest) {
    this.sent = sent;
    this.root = root ?? this;
    this.leg = this;
    this.isOwed = sent.brings?.isOwed ?? false;
    if (sent.brings?.mustFail === undefined) this.root.leg = this;
  }

  get canary(): Canary {
    return this.sent.canary;
  }

  get method(): string {
    return this.sent.method;
  }

  get token(): string | undefined {
    return this.sent.token;
  }

  /** The client waits for it no more; where the call goes on with it, for the call. */
  giveUp(): void {
    this.isGivenUp = true;
    if (this.root.leg === this) this.root.isGivenUp = true;
  }

  /** What it was answered; undefined where it was refused or is not answered. */
  get result(): JsonObject | undefined {
    if (this.outcome !== 'result' && this.outcome !== 'answer') return undefined;
    const value: unknown = JSON.parse(this.text);
    const result = this.outcome === 'answer' && isObject(value) ? value['result'] : value;
    return isObject(result) ? result : undefined;
  }

  /** The code of the catalogue, or else of the protocol, that it was refused with; undefined where it was not. */
  get refusalCode(): unknown {
    if (this.outcome !== 'refusal') return undefined;
    const error: unknown = JSON.parse(this.text);
    if (!isObject(error)) return undefined;
    return (isObject(error['data']) ? error['data']['code'] : undefined) ?? error['code'];
  }
}
