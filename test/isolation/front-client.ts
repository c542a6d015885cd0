/** What clients of the front doors have in common, whatever their transport: what they say, and what they may hear. */
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { META } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { canariesIn, canaryText, isOf, type Tally, type Violations } from './canary.ts';
import { CLIENT_INFO, rawId, rawToken } from './test-client.ts';

export type PlanStep = 'progress' | 'log' | 'sampling' | 'elicitation' | 'roots' | 'answer';

export interface FrontClientOptions {
  readonly number: number;
  readonly era: 'legacy' | 'modern';
  readonly capabilities: JsonObject;
  readonly serverId: string;
  readonly prefixed: boolean;
  readonly wantsLogs: boolean;
}

/** One call as it is sent, and what its answer must have in it. */
export interface SentCall {
  readonly request: number;
  readonly id: string;
  readonly name: string;
  readonly canary: string;
  readonly body: string;
}

export abstract class FrontClient {
  readonly options: FrontClientOptions;
  protected readonly violations: Violations;
  readonly #tally: Tally;
  /** Ids of questions as this client read them. */
  readonly questions: unknown[] = [];
  #request = 0;

  constructor(options: FrontClientOptions, violations: Violations, tally: Tally) {
    this.options = options;
    this.violations = violations;
    this.#tally = tally;
  }

  /** Where it is connected to; clients of one path have sessions of one endpoint. */
  abstract get path(): string;
  abstract get sessionId(): string | undefined;
  abstract open(): Promise<void>;
  /** One call; resolves when it is over. It must have brought the one answer, under the one id. */
  abstract call(plan: readonly PlanStep[]): Promise<void>;
  /** Uses a session id that is not its own: another endpoint's, or a made-up one. */
  abstract forge(foreign: string | undefined): Promise<void>;
  abstract close(kindly: boolean): Promise<void>;
  protected abstract sendAnswer(answer: JsonObject): void;

  /** Who it is to the gateway: over HTTP all modern clients are the same. */
  get principal(): string {
    return `client ${this.options.number}`;
  }

  /** Answers with an id under which another client is asked something. */
  replyTo(id: unknown): void {
    if (this.options.era === 'legacy' && !this.questions.includes(id)) this.#answer(id);
  }

  protected get initializeParams(): JsonObject {
    const { capabilities } = this.options;
    return { protocolVersion: '2025-11-25', capabilities, clientInfo: CLIENT_INFO };
  }

  protected newCall(plan: readonly PlanStep[]): SentCall {
    const request = this.#request++;
    const canary = canaryText({ client: this.options.number, generation: 0 }, request);
    const { serverId, prefixed } = this.options;
    const name = prefixed ? `${serverId}__work` : 'work';
    const params = JSON.stringify({ name, arguments: { canary, plan } }).slice(0, -1);
    const meta = JSON.stringify(this.#meta()).slice(1);
    const id = rawId(request);
    const token = `"progressToken":${rawToken(request)}`;
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params},"_meta":{${token}${meta === '}' ? '' : ','}${meta}}}`;
    return { request, id, name, canary, body };
  }

  protected checkAnswer({ id, canary }: SentCall, text: string): void {
    if (!text.includes(`"id":${id}`) || !text.includes(canary))
      this.violations.add(`request ${id} of ${canary} got ${text}`);
  }

  protected checkAnswers({ id, canary }: SentCall, answers: number): void {
    if (answers !== 1) this.violations.add(`request ${id} of ${canary} got ${answers} answers`);
  }

  /** Every text that reaches this client. @param request the one on whose stream it came */
  protected heard(text: string, request: number | undefined): JsonObject {
    const me = { client: this.options.number, generation: 0 };
    for (const canary of canariesIn(text)) {
      if (!isOf(canary, me))
        this.violations.add(`client ${me.client} received a message of ${canary.client}: ${text}`);
    }
    const message: unknown = JSON.parse(text);
    if (!isObject(message)) throw new Error(`no message: ${text}`);
    const { id, method } = message;
    this.#tally.count(typeof method === 'string' ? method : 'answer');
    if (method === 'notifications/progress' && request !== undefined) {
      if (!text.includes(`"progressToken":${rawToken(request)},`))
        this.violations.add(`progress for token ${rawToken(request)} came as ${text}`);
    }
    if (method !== undefined && id !== undefined) {
      this.questions.push(id);
      this.#answer(id);
    }
    return message;
  }

  #answer(id: unknown): void {
    const by = canaryText({ client: this.options.number, generation: 0 }, 0);
    this.sendAnswer({ id, result: { content: by } });
  }

  #meta(): JsonObject {
    if (this.options.era === 'legacy') return {};
    return {
      [META.protocolVersion]: '2026-07-28',
      [META.clientCapabilities]: this.options.capabilities,
      [META.clientInfo]: CLIENT_INFO,
      ...(this.options.wantsLogs ? { [META.logLevel]: 'debug' } : {}),
    };
  }
}
