/**
 * What clients of both eras have in common. All of them count alike: the n-th request of every client has the
 * same JSON-RPC id and the same progress token, so only the gateway can tell them apart.
 */
import type { Endpoint } from '../../packages/gateway/src/application/catalog/views.ts';
import type { Hub } from '../../packages/gateway/src/application/dispatch/hub.ts';
import {
  clientText,
  type ClientText,
} from '../../packages/gateway/src/domain/protocol/client-message.ts';
import {
  classify,
  isObject,
  type JsonObject,
  type Message,
} from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import {
  canariesIn,
  canaryText,
  isOf,
  ownerText,
  type Canary,
  type Owner,
  type Tally,
  type Violations,
} from './canary.ts';
import { TestReply, type Outcome } from './test-reply.ts';
import { TestRequest, type BroughtState } from './test-request.ts';

/** Every client says that it is the same program. */
export const CLIENT_INFO: JsonObject = { name: 'twin', version: '1.0.0' };

export const rawId = (request: number): string =>
  request % 2 === 0 ? String(request) : `"${request - 1}"`;
export const rawToken = (request: number): string =>
  ['7.0', '"7"', '12345678901234567890', `"t${request}"`, '7'][request % 5] ?? '7';

/** How a request is sent that goes on with another one. */
export interface Following {
  readonly root?: TestRequest;
  readonly brings?: BroughtState;
}

export interface ClientWorld {
  readonly hub: Hub;
  readonly violations: Violations;
  readonly tally: Tally;
  readonly nowMs: () => number;
  active(): void;
  /** Whether no server works on this call any more, so that nothing can go on. */
  isLost(canary: Canary): boolean;
}

export interface ClientOptions {
  readonly number: number;
  readonly endpoint: Endpoint;
  readonly capabilities: JsonObject;
  readonly wantsLogs: boolean;
  /** Of a modern client: nobody else is its principal. */
  readonly isOneClient: boolean;
}

export abstract class TestClient {
  abstract readonly era: 'legacy' | 'modern';
  readonly options: ClientOptions;
  protected readonly world: ClientWorld;
  readonly requests: TestRequest[] = [];
  generation = 0;

  constructor(options: ClientOptions, world: ClientWorld) {
    this.options = options;
    this.world = world;
  }

  get number(): number {
    return this.options.number;
  }

  get me(): Owner {
    return { client: this.number, generation: this.generation };
  }

  /** Requests that wait for their answer. */
  get waiting(): readonly TestRequest[] {
    return this.requests.filter(({ outcome }) => outcome === undefined);
  }

  toolName(serverId: string): string {
    return this.options.endpoint.prefixed ? `${serverId}__work` : 'work';
  }

  uri(serverId: string): string {
    const own = `res://${serverId}/1`;
    return this.options.endpoint.prefixed ? `hangar://${serverId}/${own}` : own;
  }

  call(serverId: string, withProgress: boolean): void {
    const request = this.requests.length;
    const canary = canaryText(this.me, request);
    const params = { name: this.toolName(serverId), arguments: { canary } };
    this.send('tools/call', params, withProgress ? rawToken(request) : undefined);
  }

  list(): void {
    this.send('tools/list', {}, undefined);
  }

  abstract subscribe(serverId: string): void;
  abstract unsubscribe(serverId: string): void;
  /** Ends the session, or whatever is under way. */
  abstract leave(): void;

  /** Puts the raw message together, so that ids and tokens are exactly as they were chosen. */
  protected send(
    method: string,
    params: JsonObject,
    token: string | undefined,
    { root, brings }: Following = {},
  ): TestRequest {
    const request = this.requests.length;
    const canary = { ...this.me, request };
    const entry = new TestRequest({ canary, method, params, token, brings }, root);
    this.requests.push(entry);
    const meta = JSON.stringify(this.meta()).slice(1, -1);
    const tokenText = token === undefined ? '' : `"progressToken":${token}`;
    const metaText = [tokenText, meta].filter((part) => part !== '').join(',');
    const head = JSON.stringify(params).slice(0, -1);
    const comma = head === '{' ? '' : ',';
    const raw = `{"jsonrpc":"2.0","id":${rawId(request)},"method":"${method}","params":${head}${comma}"_meta":{${metaText}}}}`;
    const reply = new TestReply({
      message: (text) => this.#onMessage(entry, text),
      settled: (outcome, text) => this.#onSettled(entry, outcome, text),
    });
    this.deliver(entry, parsed(raw), reply);
    return entry;
  }

  protected meta(): JsonObject {
    return {};
  }

  /** A request of this session has its answer. */
  protected settled(_entry: TestRequest): void {}

  protected abstract deliver(entry: TestRequest, message: ParsedMessage, reply: TestReply): void;

  /** A message on the stream of a request, or of the session. */
  protected abstract heard(message: JsonObject, on: TestRequest | undefined): void;

  /** Every text that reaches the client comes through here. */
  protected mine(text: string): void {
    this.world.active();
    for (const canary of canariesIn(text)) {
      if (isOf(canary, this.me)) continue;
      const me = ownerText(this.me);
      this.world.violations.add(`client ${me} received a message of ${ownerText(canary)}: ${text}`);
    }
  }

  #onMessage(on: TestRequest, text: string): void {
    if (on.canary.generation !== this.generation) return; // its session has ended: nobody reads it
    this.mine(text);
    const message: unknown = JSON.parse(text);
    if (!isObject(message)) return;
    this.world.tally.count(String(message['method']));
    if (message['method'] === 'notifications/progress') {
      const right =
        text.includes(`"progressToken":${on.token},`) &&
        canariesIn(text).every(({ request }) => request === on.root.canary.request);
      if (!right) this.world.violations.add(`progress for token ${on.token} came as ${text}`);
    }
    this.heard(message, on);
  }

  #onSettled(entry: TestRequest, outcome: Outcome, text: string): void {
    if (entry.outcome !== undefined)
      this.world.violations.add(`request ${ownerText(entry.canary)} settled twice`);
    entry.outcome = outcome;
    this.world.tally.count(outcome);
    const input = this.era === 'legacy' ? /"(INPUT_\w+)"/.exec(text)?.[1] : undefined;
    if (input !== undefined) this.world.tally.count(input);
    // Test clients answer well, and are asked for what they declare.
    if (input === 'INPUT_REFUSED' || input === 'INPUT_NOT_SUPPORTED')
      this.world.violations.add(`a good answer was refused: ${text}`);
    entry.text = text;
    if (outcome === 'nothing' && !entry.isGivenUp)
      this.world.violations.add(`${ownerText(entry.canary)} got no answer to ${entry.method}`);
    if (entry.canary.generation !== this.generation) return;
    this.mine(text);
    const wrong = canariesIn(text).some(({ request }) => request !== entry.root.canary.request);
    if (wrong) this.world.violations.add(`the answer of another request: ${text}`);
    this.settled(entry);
  }
}

export interface ParsedMessage {
  readonly message: Message;
  readonly text: ClientText;
}

export function parsed(raw: string): ParsedMessage {
  const value: unknown = JSON.parse(raw);
  return { message: classify(value), text: clientText(raw, value) };
}
