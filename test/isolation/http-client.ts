/** Clients of both eras over raw HTTP, for the smaller property that includes the front doors. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import type { Tally, Violations } from './canary.ts';
import { FrontClient, type FrontClientOptions, type SentCall } from './front-client.ts';
import { exchange, type RunningExchange } from './raw-http.ts';

export class HttpTestClient extends FrontClient {
  readonly #port: number;
  readonly #running: RunningExchange[] = [];
  readonly #sends: Promise<unknown>[] = [];
  readonly #session: Record<string, string> = {};

  constructor(port: number, options: FrontClientOptions, violations: Violations, tally: Tally) {
    super(options, violations, tally);
    this.#port = port;
  }

  get path(): string {
    return this.options.prefixed ? '/mcp' : `/mcp/${this.options.serverId}`;
  }

  override get principal(): string {
    return this.options.era === 'modern' ? 'anonymous' : super.principal;
  }

  get sessionId(): string | undefined {
    return this.#session['mcp-session-id'];
  }

  /** Opens a session with its standing stream; of the modern era there is nothing to open. */
  async open(): Promise<void> {
    if (this.options.era === 'modern') return;
    const { headers } = await this.#post({
      id: 0,
      method: 'initialize',
      params: this.initializeParams,
    }).done;
    this.#session['mcp-session-id'] = headers['mcp-session-id'] ?? '';
    await this.#post({ method: 'notifications/initialized' }).done;
    if (this.options.wantsLogs)
      await this.#post({ id: 'level', method: 'logging/setLevel', params: { level: 'debug' } })
        .done;
    const onText = (text: string): void => void this.heard(text, undefined);
    const standing = { method: 'GET', path: this.path, headers: this.#session, onText } as const;
    this.#running.push(exchange(this.#port, standing));
  }

  protected async send(call: SentCall): Promise<readonly string[]> {
    const answers: string[] = [];
    const running = exchange(this.#port, {
      method: 'POST',
      path: this.path,
      headers: { ...this.#session, ...this.#routing('tools/call', call.name) },
      body: call.body,
      onText: (text) => {
        if (this.heard(text, call.request)['method'] === undefined) answers.push(text);
      },
    });
    this.#running.push(running);
    await running.done;
    return answers;
  }

  async forge(foreign: string | undefined): Promise<void> {
    const { status } = await exchange(this.#port, {
      method: 'POST',
      path: this.path,
      headers: { 'mcp-session-id': foreign ?? randomUUID() },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      onText: (text) => void this.heard(text, undefined),
    }).done;
    if (status !== 404) this.violations.add(`a session id that is not its own gave ${status}`);
  }

  async close(kindly: boolean): Promise<void> {
    await Promise.all(this.#sends);
    if (kindly && this.sessionId !== undefined)
      await exchange(this.#port, {
        method: 'DELETE',
        path: this.path,
        headers: this.#session,
      }).done;
    for (const running of this.#running) running.drop();
    await Promise.all(this.#running.map(({ done }) => done));
  }

  protected sendAnswer(answer: JsonObject): void {
    this.#sends.push(this.#post(answer).done);
  }

  #post(message: JsonObject): RunningExchange {
    return exchange(this.#port, {
      method: 'POST',
      path: this.path,
      headers: this.#session,
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      onText: (text) => void this.heard(text, undefined),
    });
  }

  #routing(method: string, name: string): Record<string, string> {
    if (this.options.era === 'legacy') return {};
    return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': name };
  }
}
