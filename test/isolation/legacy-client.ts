import type { Bytes } from '../../packages/gateway/src/application/ports.ts';
import { LegacySession } from '../../packages/gateway/src/application/sessions/legacy-session.ts';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { canariesIn, canaryText } from './canary.ts';
import { answerTo, markIn } from './parked-state.ts';
import {
  CLIENT_INFO,
  parsed,
  rawId,
  TestClient,
  type ClientOptions,
  type ClientWorld,
  type ParsedMessage,
} from './test-client.ts';
import { textOf, type TestReply } from './test-reply.ts';
import type { TestRequest } from './test-request.ts';

interface OpenQuestion {
  readonly id: unknown;
  readonly token: unknown;
  readonly mark: string;
}

/** A client with a session. What it subscribed to, and what it was asked, is its own. */
export class LegacyTestClient extends TestClient {
  readonly era = 'legacy';
  readonly questions: OpenQuestion[] = [];
  /** URIs of servers that it asked to hear of, ever. */
  readonly #wanted = new Set<string>();
  #session: LegacySession;

  constructor(options: ClientOptions, world: ClientWorld) {
    super(options, world);
    this.#session = this.#open();
  }

  subscribe(serverId: string): void {
    // Under the name that it used, or the server's own where the update comes before the answer.
    this.#wanted.add(`res://${serverId}/1`).add(this.uri(serverId));
    this.send('resources/subscribe', { uri: this.uri(serverId) }, undefined);
  }

  unsubscribe(serverId: string): void {
    this.send('resources/unsubscribe', { uri: this.uri(serverId) }, undefined);
  }

  setLevel(): void {
    this.send('logging/setLevel', { level: 'debug' }, undefined);
  }

  /** Answers a question that is open, by its id as the client read it. */
  answer(at: number): void {
    const [question] = this.questions.splice(at % Math.max(1, this.questions.length), 1);
    if (question !== undefined) this.answerId(question.id, question.mark);
  }

  /** Answers whatever has this id: its own question, somebody else's, or none. */
  answerId(id: unknown, mark: string): void {
    const by = canaryText(this.me, 0); // names the one who answers
    const raw = JSON.stringify({ jsonrpc: '2.0', id, result: answerTo(by, mark) });
    this.#session.response(id, parsed(raw).text);
  }

  progressOnQuestion(at: number): void {
    const question = this.questions[at % Math.max(1, this.questions.length)];
    if (question === undefined) return;
    const params = { progressToken: question.token, progress: 1 };
    this.#notify('notifications/progress', params);
  }

  leave(): void {
    const session = this.#session;
    for (const request of this.waiting) request.giveUp();
    this.generation += 1;
    this.questions.length = 0;
    this.#wanted.clear();
    session.close('the client ended the session');
    this.#session = this.#open();
  }

  /** Ends the session for good. */
  end(): void {
    for (const request of this.waiting) request.giveUp();
    this.#session.close('the client ended the session');
  }

  protected deliver(entry: TestRequest, { message, text }: ParsedMessage, reply: TestReply): void {
    if (message.kind !== 'request') throw new Error('not a request');
    entry.cancel = () => {
      entry.giveUp();
      const params = { requestId: JSON.parse(rawId(entry.canary.request)), reason: 'changed' };
      if (entry.canary.generation === this.generation)
        this.#notify('notifications/cancelled', params);
    };
    this.#session.request(message, text, reply);
  }

  protected heard(message: JsonObject): void {
    const { id, method } = message;
    const params = isObject(message['params']) ? message['params'] : {};
    if (id !== undefined && method !== undefined) this.#onQuestion(message, params);
    if (method === 'notifications/cancelled') {
      const at = this.questions.findIndex((question) => question.id === params['requestId']);
      if (at === -1) this.world.violations.add('a question was taken back that is not open');
      this.questions.splice(at, 1);
    }
    if (method === 'notifications/resources/updated' && !this.#wanted.has(String(params['uri'])))
      this.world.violations.add(`an update of ${String(params['uri'])} that nobody wanted here`);
  }

  #onQuestion(message: JsonObject, params: JsonObject): void {
    const [canary] = canariesIn(JSON.stringify(message));
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    const token = meta['progressToken'];
    if (canary === undefined) this.world.violations.add('a question without a name');
    this.questions.push({ id: message['id'], token, mark: markIn(params) });
    const asked = String(message['method']).split('/')[0] ?? '';
    if (this.options.capabilities[asked] === undefined)
      this.world.violations.add(`client ${this.number} was asked for ${asked} undeclared`);
  }

  #open(): LegacySession {
    const { generation } = this;
    const outlet = {
      send: (bytes: readonly Bytes[]): void => {
        if (generation !== this.generation) return; // nobody reads it any more
        const text = textOf(bytes);
        this.mine(text);
        const message: unknown = JSON.parse(text);
        if (!isObject(message)) return;
        this.world.tally.count(String(message['method']));
        this.heard(message);
      },
    };
    const { endpoint, capabilities, wantsLogs, number } = this.options;
    const client = {
      id: `s${number}-${generation}`,
      revision: '2025-11-25',
      endpoint,
      capabilities,
      clientInfo: CLIENT_INFO,
    };
    this.#session = new LegacySession(this.world.hub, client, outlet);
    this.#notify('notifications/initialized', {});
    if (wantsLogs) this.setLevel();
    return this.#session;
  }

  #notify(method: string, params: JsonObject): void {
    const { message, text } = parsed(JSON.stringify({ jsonrpc: '2.0', method, params }));
    if (message.kind === 'notification') this.#session.notification(message, text);
  }
}
