/** Clients of both eras over raw HTTP, for the smaller property that includes the front door. */
import { randomUUID } from 'node:crypto';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { META } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { canariesIn, canaryText, isOf, type Tally, type Violations } from './canary.ts';
import { exchange, type RunningExchange } from './raw-http.ts';
import { CLIENT_INFO, rawId, rawToken } from './test-client.ts';

export type PlanStep = 'progress' | 'log' | 'sampling' | 'elicitation' | 'roots' | 'answer';

export interface HttpClientOptions {
  readonly port: number;
  readonly number: number;
  readonly era: 'legacy' | 'modern';
  readonly capabilities: JsonObject;
  readonly serverId: string;
  readonly prefixed: boolean;
  readonly wantsLogs: boolean;
}

export class HttpTestClient {
  readonly options: HttpClientOptions;
  readonly #violations: Violations;
  readonly #tally: Tally;
  readonly #running: RunningExchange[] = [];
  readonly #sends: Promise<unknown>[] = [];
  readonly #session: Record<string, string> = {};
  /** Ids of questions as this client read them. */
  readonly questions: unknown[] = [];
  #request = 0;

  constructor(options: HttpClientOptions, violations: Violations, tally: Tally) {
    this.options = options;
    this.#tally = tally;
    this.#violations = violations;
  }

  get path(): string {
    return this.options.prefixed ? '/mcp' : `/mcp/${this.options.serverId}`;
  }

  /** Opens a session with its standing stream; of the modern era there is nothing to open. */
  async open(): Promise<void> {
    if (this.options.era === 'modern') return;
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: this.options.capabilities,
      clientInfo: CLIENT_INFO,
    };
    const { headers } = await this.#post({ id: 0, method: 'initialize', params }).done;
    this.#session['mcp-session-id'] = headers['mcp-session-id'] ?? '';
    await this.#post({ method: 'notifications/initialized' }).done;
    if (this.options.wantsLogs)
      await this.#post({ id: 'level', method: 'logging/setLevel', params: { level: 'debug' } })
        .done;
    const onText = (text: string): void => void this.#heard(text, undefined);
    const standing = { method: 'GET', path: this.path, headers: this.#session, onText } as const;
    this.#running.push(exchange(this.options.port, standing));
  }

  /** One call; resolves when its response has ended. It must have brought the one answer, under the one id. */
  async call(plan: readonly PlanStep[]): Promise<void> {
    const request = this.#request++;
    const canary = canaryText({ client: this.options.number, generation: 0 }, request);
    const { serverId, prefixed } = this.options;
    const name = prefixed ? `${serverId}__work` : 'work';
    const params = JSON.stringify({ name, arguments: { canary, plan } }).slice(0, -1);
    const meta = JSON.stringify(this.#meta()).slice(1);
    const id = rawId(request);
    const token = `"progressToken":${rawToken(request)}`;
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params},"_meta":{${token}${meta === '}' ? '' : ','}${meta}}}`;
    let answers = 0;
    const running = exchange(this.options.port, {
      method: 'POST',
      path: this.path,
      headers: { ...this.#session, ...this.#routing('tools/call', name) },
      body,
      onText: (text) => {
        const message = this.#heard(text, request);
        if (message['method'] !== undefined) return;
        answers += 1;
        if (!text.includes(`"id":${id}`) || !text.includes(canary))
          this.#violations.add(`request ${id} of ${canary} got ${text}`);
      },
    });
    this.#running.push(running);
    await running.done;
    if (answers !== 1) this.#violations.add(`request ${id} of ${canary} got ${answers} answers`);
  }

  /** Uses a session id that is not its own: another endpoint's, or a made-up one. */
  async forge(foreign: string | undefined): Promise<void> {
    const { status } = await exchange(this.options.port, {
      method: 'POST',
      path: this.path,
      headers: { 'mcp-session-id': foreign ?? randomUUID() },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      onText: (text) => void this.#heard(text, undefined),
    }).done;
    if (status !== 404) this.#violations.add(`a session id that is not its own gave ${status}`);
  }

  get sessionId(): string | undefined {
    return this.#session['mcp-session-id'];
  }

  /** Answers with an id under which another client is asked something. */
  replyTo(id: unknown): void {
    if (this.options.era === 'legacy' && !this.questions.includes(id)) this.#answer(id);
  }

  async close(kindly: boolean): Promise<void> {
    await Promise.all(this.#sends);
    if (kindly && this.sessionId !== undefined)
      await exchange(this.options.port, {
        method: 'DELETE',
        path: this.path,
        headers: this.#session,
      }).done;
    for (const running of this.#running) running.drop();
    await Promise.all(this.#running.map(({ done }) => done));
  }

  #answer(id: unknown): void {
    const by = canaryText({ client: this.options.number, generation: 0 }, 0);
    this.#sends.push(this.#post({ id, result: { content: by } }).done);
  }

  #post(message: JsonObject): RunningExchange {
    return exchange(this.options.port, {
      method: 'POST',
      path: this.path,
      headers: this.#session,
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      onText: (text) => void this.#heard(text, undefined),
    });
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

  #routing(method: string, name: string): Record<string, string> {
    if (this.options.era === 'legacy') return {};
    return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': name };
  }

  /** Every text that reaches this client. */
  #heard(text: string, request: number | undefined): JsonObject {
    const me = { client: this.options.number, generation: 0 };
    for (const canary of canariesIn(text)) {
      if (!isOf(canary, me))
        this.#violations.add(`client ${me.client} received a message of ${canary.client}: ${text}`);
    }
    const message: unknown = JSON.parse(text);
    if (!isObject(message)) throw new Error(`no message: ${text}`);
    const { id, method } = message;
    this.#tally.count(typeof method === 'string' ? method : 'answer');
    if (method === 'notifications/progress' && request !== undefined) {
      if (!text.includes(`"progressToken":${rawToken(request)},`))
        this.#violations.add(`progress for token ${rawToken(request)} came as ${text}`);
    }
    if (method !== undefined && id !== undefined) {
      this.questions.push(id);
      this.#answer(id);
    }
    return message;
  }
}
