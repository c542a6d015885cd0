/**
 * A server of 2024-11-05 over HTTP+SSE: one stream on which everything comes, and an endpoint of its own to which
 * messages are posted. With the stream the connection ends.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../../domain/protocol/json-rpc.ts';
import { LATEST_LEGACY_REVISION } from '../../../domain/protocol/revisions.ts';
import { ask } from '../../../application/calls/ask.ts';
import type { UpstreamCall, UpstreamConnection } from '../../../application/ports.ts';
import { AnswerReader, type AnswerEvents, type Refusal } from './answer-reader.ts';
import { CallBook } from './call-book.ts';
import { placeOf, protocolFault } from './http-fault.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpExchange } from './http-exchange.ts';
import type { Incoming } from './incoming.ts';
import type { RemoteConnectionOptions } from './legacy-connection.ts';
import { answerInRefusal } from './made-messages.ts';
import { RemoteCall, type CallHost } from './remote-call.ts';
import { faultOf, JSON_HEADERS, type Greeting } from './remote-handshake.ts';
import { tell } from './rpc-exchange.ts';

const TOLD_MS_MAX = 30_000;
const TELLING_MAX = 1_024;
/** Calls in a row that were given up while the stream said nothing at all: then nothing comes on it any more. */
const UNANSWERED_MAX = 3;

export class SseConnection implements UpstreamConnection, CallHost {
  readonly era = 'legacy';
  readonly pid = undefined;
  readonly client: HttpClient;
  readonly messageBytesMax: number;
  readonly #options: RemoteConnectionOptions;
  readonly #book: CallBook;
  readonly #stream: HttpExchange;
  #hello: JsonObject = {};
  /** Path and query to post to. */
  #endpoint: string | undefined;
  #onEndpoint: (fault: Fault | undefined) => void = () => undefined;
  #isReady = false;
  #telling = 0;
  #unanswered = 0;
  #isReleased = false;
  #ended: { readonly detail: string; readonly fault: Fault } | undefined;

  private constructor(options: RemoteConnectionOptions) {
    this.client = options.client;
    this.messageBytesMax = options.messageBytesMax;
    this.#options = options;
    const { observer } = options;
    this.#book = new CallBook(
      {
        request: (message, during) => observer.request(message, during),
        notification: (message, during) => observer.notification(message, during),
        ended: () => undefined,
      },
      ({ call }, answer) => call.answered(answer),
    );
    this.#stream = this.client.request(
      {
        method: 'GET',
        lane: 'streams',
        headers: ['accept', 'text/event-stream'],
        headersTimeoutMs: 0, // the start has a limit of its own
      },
      new AnswerReader(this.#streamEvents(), options.messageBytesMax),
    );
  }

  /** @throws Fault, RpcRefusal; nothing of the attempt is left behind */
  static async open(
    options: RemoteConnectionOptions,
    greeting: Greeting,
  ): Promise<UpstreamConnection> {
    const connection = new SseConnection(options);
    try {
      await connection.#endpointTold(greeting);
      await connection.#initialize(greeting);
    } catch (error) {
      connection.#end('it did not start');
      throw error;
    }
    connection.#isReady = true;
    return connection;
  }

  get hello(): JsonObject {
    return this.#hello;
  }

  get pending(): number {
    return this.#book.size;
  }

  send(call: UpstreamCall): number {
    if (this.#ended !== undefined)
      throw new Fault('UPSTREAM_ENDED', `the server has ended (${this.#ended.detail})`);
    const id = this.#book.nextId();
    const remote = new RemoteCall(this, id, call, call.routing.method);
    this.#book.add(remote);
    remote.post();
    return id;
  }

  cancel(id: number, reason: string): void {
    const call = this.#book.take(id);
    if (call === undefined) return;
    const params = JSON.stringify({ requestId: id, reason });
    this.write(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
    call.abort();
    this.#unanswered += 1;
    if (this.#unanswered >= UNANSWERED_MAX) this.#end('its event stream says nothing any more');
  }

  write(line: string): void {
    if (this.#ended !== undefined || this.#telling >= TELLING_MAX) return;
    this.#telling += 1;
    void this.#tell(line).then(() => {
      this.#telling -= 1;
    });
  }

  close(reason: string): Promise<void> {
    this.#end(reason);
    if (!this.#isReleased) this.client.release();
    this.#isReleased = true;
    return Promise.resolve();
  }

  get postPath(): string | undefined {
    return this.#endpoint;
  }

  headersOf(): readonly string[] {
    return JSON_HEADERS;
  }

  message(message: Incoming, on: RemoteCall): void {
    this.#book.receive(message, on.isOver ? undefined : on.call);
  }

  heard(): void {
    return; // only what comes on the stream counts
  }

  lose({ id }: RemoteCall, fault: Fault): void {
    this.#book.lose(id, fault);
  }

  refused(call: RemoteCall, refusal: Refusal): void {
    const answer = answerInRefusal(refusal, call.id);
    if (answer !== undefined) this.#book.receive(answer, undefined);
    else this.lose(call, faultOf(refusal, this.client));
  }

  interrupted(call: RemoteCall, fault: Fault): void {
    // Whatever a POST is answered, or cut: the answer to its call comes on the stream.
    if (fault.code === 'UPSTREAM_ENDED' || fault.code === 'UPSTREAM_ANSWER_INVALID') return;
    this.lose(call, fault);
  }

  unreachable(fault: Fault): boolean {
    if (fault.code !== 'UPSTREAM_UNREACHABLE') this.#end(fault.message, fault);
    return this.#ended === undefined; // as long as the stream is open the server lives
  }

  #streamEvents(): AnswerEvents {
    return {
      opened: (isStream) => {
        if (isStream) return;
        this.#end('no event stream', protocolFault('it answers GET with no event stream'));
      },
      message: (message, type, data) => {
        this.#unanswered = 0;
        if (type === 'endpoint') this.#takeEndpoint(data.toString('utf8'));
        else this.#book.receive(message, undefined);
      },
      overlong: (id, fault) => {
        if (id !== undefined) this.#book.lose(id, fault);
      },
      accepted: () => this.#end('no event stream', protocolFault('it answers GET with nothing')),
      refused: (refusal) =>
        this.#end(`GET was answered ${refusal.status}`, faultOf(refusal, this.client)),
      ended: () => this.#end('its event stream ended'),
      failed: (fault) => this.#end(`its event stream ended: ${fault.message}`, fault),
    };
  }

  #takeEndpoint(text: string): void {
    const { url } = this.client;
    const target = URL.canParse(text, url.href) ? new URL(text, url) : undefined;
    if (target?.origin === url.origin && target.username === '') {
      this.#endpoint = `${target.pathname}${target.search}`;
      this.#onEndpoint(undefined);
      return;
    }
    const where = target === undefined ? 'nowhere' : target.origin;
    const detail = `${placeOf(url)} wants messages at another origin, ${where}, to which none are sent`;
    this.#end(detail, protocolFault(detail));
  }

  /** Waits for the first event, which names the endpoint. */
  #endpointTold({ timeoutMs, signal }: Greeting): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => done(new Fault('UPSTREAM_ENDED', 'the start was given up'));
      const done = (fault: Fault | undefined): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#onEndpoint = () => undefined;
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const timer = setTimeout(
        () => done(new Fault('CALL_TIMED_OUT', `no endpoint event in ${timeoutMs} ms`)),
        timeoutMs,
      );
      signal.addEventListener('abort', onAbort, { once: true });
      this.#onEndpoint = done;
      if (signal.aborted) onAbort();
    });
  }

  async #initialize(greeting: Greeting): Promise<void> {
    const { capabilities, clientInfo } = greeting;
    const params = { protocolVersion: LATEST_LEGACY_REVISION, capabilities, clientInfo };
    const hello = await ask(this, 'initialize', params, greeting);
    if (!isObject(hello['capabilities']))
      throw protocolFault('its answer to initialize has no capabilities');
    this.#hello = hello;
    await this.#tell('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  #tell(line: string): Promise<void> {
    const message = { line, headers: JSON_HEADERS, timeoutMs: TOLD_MS_MAX, path: this.#endpoint };
    return tell(this.client, message);
  }

  #end(detail: string, fault?: Fault): void {
    if (this.#ended !== undefined) return;
    const why =
      fault ?? new Fault('UPSTREAM_ENDED', `the server ended during the call (${detail})`);
    this.#ended = { detail, fault: why };
    this.#stream.abort();
    this.#onEndpoint(why);
    this.#book.loseAll(why);
    if (this.#isReady) this.#options.observer.ended(detail);
  }
}
