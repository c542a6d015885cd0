/** What clients of the front doors have in common, whatever their transport: what they say, and what they may hear. */
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { META } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { canariesIn, canaryText, isOf, type Tally, type Violations } from './canary.ts';
import { answerTo, questionsIn } from './parked-state.ts';
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
  readonly params: JsonObject;
  readonly body: string;
}

/** More than any plan asks for. */
const ROUNDS_MAX = 8;

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
  /** One request of a call; resolves with every answer that it got, which must be one, under its id. */
  protected abstract send(call: SentCall): Promise<readonly string[]>;
  /** Uses a session id that is not its own: another endpoint's, or a made-up one. */
  abstract forge(foreign: string | undefined): Promise<void>;
  abstract close(kindly: boolean): Promise<void>;
  protected abstract sendAnswer(answer: JsonObject): void;

  /** One call, with as many requests as it takes; resolves when it is over. */
  async call(plan: readonly PlanStep[]): Promise<void> {
    let sent: SentCall | undefined = this.#newCall(plan);
    for (let round = 0; sent !== undefined && round < ROUNDS_MAX; round += 1) {
      const answers = await this.send(sent);
      for (const answer of answers) this.#checkAnswer(sent, answer);
      if (answers.length !== 1)
        this.violations.add(`request ${sent.id} of ${sent.canary} got ${answers.length} answers`);
      sent = this.#goingOn(sent, answers[0] ?? '{}');
    }
  }

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

  #newCall(plan: readonly PlanStep[]): SentCall {
    const canary = canaryText({ client: this.options.number, generation: 0 }, this.#request);
    const { serverId, prefixed } = this.options;
    const name = prefixed ? `${serverId}__work` : 'work';
    return this.#newRequest({ name, canary, params: { name, arguments: { canary, plan } } });
  }

  /** The request that brings the answers which a call waits for; undefined where it is over. */
  #goingOn(call: SentCall, text: string): SentCall | undefined {
    const message: unknown = JSON.parse(text);
    const result = isObject(message) && isObject(message['result']) ? message['result'] : {};
    if (result['resultType'] !== 'input_required') return undefined;
    this.#tally.count('retry');
    const by = canaryText({ client: this.options.number, generation: 0 }, 0);
    const questions = [...questionsIn(result['inputRequests'])];
    const inputResponses = Object.fromEntries(
      questions.map(([key, { mark }]) => [key, answerTo(by, mark)]),
    );
    const { requestState } = result;
    return this.#newRequest({ ...call, params: { ...call.params, requestState, inputResponses } });
  }

  #newRequest({
    name,
    canary,
    params: sent,
  }: Pick<SentCall, 'name' | 'canary' | 'params'>): SentCall {
    const request = this.#request++;
    const params = JSON.stringify(sent).slice(0, -1);
    const meta = JSON.stringify(this.#meta()).slice(1);
    const id = rawId(request);
    const token = `"progressToken":${rawToken(request)}`;
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params},"_meta":{${token}${meta === '}' ? '' : ','}${meta}}}`;
    return { request, id, name, canary, params: sent, body };
  }

  #checkAnswer({ id, canary }: SentCall, text: string): void {
    if (!text.includes(`"id":${id}`) || !text.includes(canary))
      this.violations.add(`request ${id} of ${canary} got ${text}`);
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
