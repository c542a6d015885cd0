/**
 * A session with a server of a legacy revision over Streamable HTTP.
 *
 * Invariants
 * 1. A session that is gone (404) is opened again once for all who notice. A call that met the 404 was not carried
 *    out and is sent again, once; one that was cut is not.
 * 2. Where no session can be had again, the connection ends: its server is started anew, under its back-off.
 * 3. Every call is told exactly once: answered, lost, or forgotten by `cancel`.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { JsonObject } from '../../../domain/protocol/json-rpc.ts';
import type { ServerMessage } from '../../../domain/protocol/server-message.ts';
import type {
  ConnectionObserver,
  UpstreamCall,
  UpstreamConnection,
} from '../../../application/ports.ts';
import { mayBeUpdated } from '../../../application/subscriptions/updates.ts';
import type { Refusal } from './answer-reader.ts';
import { CallBook } from './call-book.ts';
import type { HttpClient } from './http-client.ts';
import type { Incoming } from './incoming.ts';
import { answerInRefusal, listsChanged } from './made-messages.ts';
import { Reachability } from './reachability.ts';
import { RemoteCall, type CallHost } from './remote-call.ts';
import {
  faultOf,
  initialize,
  JSON_HEADERS,
  sessionHeaders,
  type Greeting,
  type LegacyHello,
} from './remote-handshake.ts';
import { Resumption } from './resumption.ts';
import { tell } from './rpc-exchange.ts';
import { SessionMemory } from './session-memory.ts';
import { StandingStream } from './standing-stream.ts';

const TOLD_MS_MAX = 30_000;
const GOODBYE_MS_MAX = 2_000;
/** Notifications and answers on their way at one time. */
const TELLING_MAX = 1_024;

export interface RemoteConnectionOptions {
  readonly client: HttpClient;
  readonly observer: ConnectionObserver;
  readonly messageBytesMax: number;
}

export class LegacyConnection implements UpstreamConnection, CallHost {
  readonly era = 'legacy';
  readonly pid = undefined;
  readonly client: HttpClient;
  readonly messageBytesMax: number;
  readonly #observer: ConnectionObserver;
  readonly #greeting: Omit<Greeting, 'signal'>;
  readonly #book: CallBook;
  readonly #reach: Reachability;
  readonly #memory = new SessionMemory();
  readonly #closing = new AbortController();
  #session: LegacyHello;
  #standing: StandingStream | undefined;
  #isRestoring = false;
  /** Calls that wait for the session to be there again. */
  #waiting: RemoteCall[] = [];
  #telling = 0;
  #ended: string | undefined;
  #isReleased = false;

  constructor(
    options: RemoteConnectionOptions,
    session: LegacyHello,
    greeting: Omit<Greeting, 'signal'>,
  ) {
    this.client = options.client;
    this.messageBytesMax = options.messageBytesMax;
    this.#observer = options.observer;
    this.#greeting = greeting;
    this.#session = session;
    this.#reach = new Reachability(options.client.launch);
    this.#book = new CallBook(options.observer, ({ call }, answer) => call.answered(answer));
    this.#stand();
  }

  get hello(): JsonObject {
    return this.#session.hello;
  }

  get pending(): number {
    return this.#book.size;
  }

  send(call: UpstreamCall): number {
    if (this.#ended !== undefined)
      throw new Fault('UPSTREAM_ENDED', `the server has ended (${this.#ended})`);
    const id = this.#book.nextId();
    const { routing } = call;
    const remote = new RemoteCall(this, id, call, routing.method);
    this.#book.add(remote);
    this.#memory.note(call, routing);
    if (this.#isRestoring) this.#waiting.push(remote);
    else remote.post();
    return id;
  }

  cancel(id: number, reason: string): void {
    const call = this.#book.take(id);
    if (call === undefined) return;
    if (call.isSent) {
      const params = JSON.stringify({ requestId: id, reason });
      this.write(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
    }
    call.abort();
  }

  hearProgress(id: number, listener: ((message: ServerMessage) => void) | undefined): void {
    this.#book.hearProgress(id, listener);
  }

  write(line: string): void {
    if (this.#ended !== undefined || this.#telling >= TELLING_MAX) return;
    this.#telling += 1;
    const headers = [...JSON_HEADERS, ...sessionHeaders(this.#session)];
    void tell(this.client, { line, headers, timeoutMs: TOLD_MS_MAX }).then(() => {
      this.#telling -= 1;
    });
  }

  async close(reason: string): Promise<void> {
    const { sessionId } = this.#session;
    const isOpen = this.#ended === undefined;
    this.#end(reason, new Fault('UPSTREAM_ENDED', `the session was ended (${reason})`));
    if (isOpen && sessionId !== undefined) await this.#goodbye();
    this.#release();
  }

  headersOf(): readonly string[] {
    return [...JSON_HEADERS, ...sessionHeaders(this.#session)];
  }

  message(message: Incoming, on: RemoteCall): void {
    this.#book.receive(message, on.isOver ? undefined : on.call);
  }

  heard(): void {
    this.#reach.worked();
  }

  lose({ id }: RemoteCall, fault: Fault): void {
    this.#book.lose(id, fault);
  }

  refused(call: RemoteCall, refusal: Refusal): void {
    const answer = answerInRefusal(refusal, call.id);
    if (this.#isGone(refusal)) {
      if (!call.isResent) {
        call.isResent = true;
        call.isSent = false;
        this.#waiting.push(call);
        this.#restore();
        return;
      }
      // The new session does not help either: whatever it says now is about the call.
    }
    if (answer === undefined) this.lose(call, faultOf(refusal, this.client));
    else this.#book.receive(answer, undefined);
  }

  interrupted(call: RemoteCall, fault: Fault): void {
    const headers = sessionHeaders(this.#session);
    if (!Resumption.begin(this, call, { headers, fault })) this.lose(call, fault);
  }

  unreachable(fault: Fault): boolean {
    const isGone = this.#reach.failed() && !this.#book.awaitsAnswer;
    if (isGone || fault.code !== 'UPSTREAM_UNREACHABLE') this.#end(fault.message, fault);
    return this.#ended === undefined;
  }

  /** A 404 says so; servers made after an early example of the SDK say 400 and name the session. */
  #isGone({ status, error, errorId }: Refusal): boolean {
    if (this.#session.sessionId === undefined) return false;
    if (status === 404) return true;
    const isAboutSession = error !== undefined && /\bsession\b/i.test(error.message);
    return status === 400 && isAboutSession && (errorId === null || errorId === undefined);
  }

  #restore(): void {
    if (this.#isRestoring || this.#ended !== undefined) return;
    this.#isRestoring = true;
    void this.#openAgain();
  }

  async #openAgain(): Promise<void> {
    this.#standing?.stop();
    try {
      this.#session = await initialize(this.client, {
        ...this.#greeting,
        signal: this.#closing.signal,
      });
    } catch (error) {
      const detail = messageOf(error);
      const lost = `the session ended and no other could be had: ${detail}`;
      const code =
        error instanceof Fault && error.code !== 'CALL_TIMED_OUT' ? error.code : 'UPSTREAM_ENDED';
      this.#end(lost, new Fault(code, lost));
      return;
    }
    if (this.#ended !== undefined) {
      await this.#goodbye();
      return;
    }
    this.#stand();
    this.#isRestoring = false;
    this.#remember();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call.post();
    // It is another process there, most likely: what it lists, and its resources, may have changed.
    const changed = [...listsChanged(this.#session.hello), ...this.#memory.uris.map(mayBeUpdated)];
    for (const message of changed) this.#observer.notification(message);
  }

  #remember(): void {
    try {
      for (const again of this.#memory.lines()) this.send(again);
    } catch {
      // As many calls wait as may: they go first, and the server is not told what it forgot.
    }
  }

  #stand(): void {
    this.#standing = new StandingStream({
      client: this.client,
      messageBytesMax: this.messageBytesMax,
      headers: sessionHeaders(this.#session),
      message: (message) => this.#book.receive(message, undefined),
      sessionGone: () => this.#restore(),
      heard: () => this.heard(),
      unreachable: (fault) => this.unreachable(fault),
    });
    this.#standing.open();
  }

  #end(detail: string, fault: Fault): void {
    if (this.#ended !== undefined) return;
    this.#ended = detail;
    this.#closing.abort();
    this.#standing?.stop();
    this.#waiting = [];
    this.#book.loseAll(fault);
    this.#observer.ended(detail);
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.client.release();
  }

  #goodbye(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        exchange.abort();
        resolve();
      };
      const timer = setTimeout(() => done(), GOODBYE_MS_MAX);
      const headers = sessionHeaders(this.#session);
      const exchange = this.client.request(
        { method: 'DELETE', lane: 'control', headers, headersTimeoutMs: GOODBYE_MS_MAX },
        { response: () => undefined, data: () => undefined, end: done, failed: done },
      );
    });
  }
}
