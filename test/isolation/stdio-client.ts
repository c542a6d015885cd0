/** Clients of both eras on a pipe of their own, for the same property as those over HTTP. */
import { PassThrough } from 'node:stream';
import type { Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import type { StdioFront } from '../../packages/gateway/src/server/front-door/stdio-front.ts';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import type { Tally, Violations } from './canary.ts';
import { FrontClient, type FrontClientOptions, type SentCall } from './front-client.ts';

export class StdioTestClient extends FrontClient {
  readonly #input = new PassThrough();
  readonly #front: StdioFront;
  /** Who waits for the answer to which id, as JSON text. */
  readonly #waiting = new Map<string, (text: string) => void>();
  #rest = '';

  constructor(gateway: Gateway, options: FrontClientOptions, violations: Violations, tally: Tally) {
    super({ ...options, prefixed: true }, violations, tally);
    const output = new PassThrough();
    output.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    this.#front = gateway.connect(this.#input, output);
  }

  get path(): string {
    return `stdio ${this.options.number}`;
  }

  /** It has no session that another one could name. */
  get sessionId(): undefined {
    return undefined;
  }

  async open(): Promise<void> {
    if (this.options.era === 'modern') return;
    await this.#ask('open', 'initialize', this.initializeParams);
    this.#send({ method: 'notifications/initialized' });
    if (this.options.wantsLogs) await this.#ask('level', 'logging/setLevel', { level: 'debug' });
  }

  protected async send(call: SentCall): Promise<readonly string[]> {
    const answer = this.#answerTo(call.id);
    this.#input.write(`${call.body}\n`);
    return [await answer];
  }

  forge(): Promise<void> {
    return Promise.resolve(); // a pipe is its own session
  }

  async close(kindly: boolean): Promise<void> {
    if (kindly) this.#input.end();
    await this.#front.close(kindly ? 1_000 : 0);
  }

  protected sendAnswer(answer: JsonObject): void {
    this.#send(answer);
  }

  async #ask(id: string, method: string, params: JsonObject): Promise<void> {
    const answer = this.#answerTo(JSON.stringify(id));
    this.#send({ id, method, params });
    await answer;
  }

  #answerTo(id: string): Promise<string> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #send(message: JsonObject): void {
    this.#input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const { id, method } = this.heard(line, undefined);
      if (method !== undefined) continue;
      const key = JSON.stringify(id);
      const answered = this.#waiting.get(key);
      this.#waiting.delete(key);
      if (answered === undefined) this.violations.add(`nobody waits for ${line}`);
      else answered(line);
    }
  }
}
