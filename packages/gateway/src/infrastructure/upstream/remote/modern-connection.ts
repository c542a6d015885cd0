/**
 * A server of the 2026-07-28 revision over Streamable HTTP: every request stands for itself, closing its answer
 * cancels it, and there is nothing to lose between two requests.
 *
 * Invariants
 * 1. Every call is told exactly once: answered, lost, or forgotten by `cancel`.
 * 2. A subscription that was cut is asked for again until the server refuses it or the connection ends.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { encodeHeaderValue } from '../../../application/calls/header-value.ts';
import { parseAnswer, plainError } from '../../../application/calls/ask.ts';
import { hopDetail, isAboutOurHop } from '../../../domain/protocol/bridge.ts';
import { isObject, type JsonObject } from '../../../domain/protocol/json-rpc.ts';
import type { RawAnswer, UpstreamCall, UpstreamConnection } from '../../../application/ports.ts';
import type { Refusal } from './answer-reader.ts';
import { CallBook } from './call-book.ts';
import { protocolFault, shortened } from './http-fault.ts';
import type { HttpClient } from './http-client.ts';
import type { Incoming } from './incoming.ts';
import type { RemoteConnectionOptions } from './legacy-connection.ts';
import { answerInRefusal, listsChanged } from './made-messages.ts';
import { Reachability } from './reachability.ts';
import { RemoteCall, type CallHost } from './remote-call.ts';
import { faultOf, JSON_HEADERS, modernHeaders } from './remote-handshake.ts';

const LISTEN = 'subscriptions/listen';
const LISTEN_AGAIN_MS = 1_000;
const LISTEN_AGAIN_MS_MAX = 30_000;

/** Methods whose target `Mcp-Name` repeats. */
const NAMED: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
]);

export class ModernConnection implements UpstreamConnection, CallHost {
  readonly era = 'modern';
  readonly pid = undefined;
  readonly mirrorsParams = true;
  readonly mayReorder = true;
  readonly client: HttpClient;
  readonly hello: JsonObject;
  readonly messageBytesMax: number;
  readonly #observer: RemoteConnectionOptions['observer'];
  readonly #book: CallBook;
  readonly #reach: Reachability;
  /** Subscriptions that were cut, by how often in a row. */
  readonly #cuts = new Map<RemoteCall, number>();
  #ended: string | undefined;
  #isReleased = false;

  constructor(options: RemoteConnectionOptions, hello: JsonObject) {
    this.client = options.client;
    this.hello = hello;
    this.messageBytesMax = options.messageBytesMax;
    this.#observer = options.observer;
    this.#reach = new Reachability(options.client.launch);
    this.#book = new CallBook(options.observer, (call, answer) => {
      this.#cuts.delete(call);
      const fault = answer.isError ? hopFault(answer, this.client) : undefined;
      if (fault === undefined) call.call.answered(answer);
      else call.call.lost(fault);
    });
  }

  get pending(): number {
    return this.#book.size;
  }

  send(call: UpstreamCall): number {
    if (this.#ended !== undefined)
      throw new Fault('UPSTREAM_ENDED', `the server has ended (${this.#ended})`);
    const id = this.#book.nextId();
    const remote = new RemoteCall(this, id, call, call.routing.method);
    this.#book.add(remote);
    remote.post();
    return id;
  }

  cancel(id: number): void {
    const call = this.#book.take(id);
    if (call === undefined) return;
    this.#cuts.delete(call);
    call.abort();
  }

  /** The revision knows no notification and no answer from client to server over HTTP. */
  write(): void {
    return;
  }

  close(reason: string): Promise<void> {
    this.#end(reason, new Fault('UPSTREAM_ENDED', `the connection was closed (${reason})`));
    if (!this.#isReleased) this.client.release();
    this.#isReleased = true;
    return Promise.resolve();
  }

  headersOf({ call, method }: RemoteCall): readonly string[] {
    const { name, paramHeaders } = call.routing;
    const headers = [...JSON_HEADERS, ...modernHeaders(method)];
    if (name !== undefined && NAMED.has(method)) headers.push('mcp-name', encodeHeaderValue(name));
    for (const header in paramHeaders) headers.push(header, paramHeaders[header] ?? '');
    return headers;
  }

  message(message: Incoming, on: RemoteCall): void {
    if (this.#cuts.delete(on)) {
      // It listens again: what changed in between was not heard.
      for (const changed of listsChanged(this.hello)) this.#observer.notification(changed);
    }
    this.#book.receive(message, on.isOver ? undefined : on.call);
  }

  heard(): void {
    this.#reach.worked();
  }

  lose(call: RemoteCall, fault: Fault): void {
    if (fault.code === 'UPSTREAM_ENDED' && this.#listenAgain(call)) return;
    this.#cuts.delete(call);
    this.#book.lose(call.id, fault);
  }

  refused(call: RemoteCall, refusal: Refusal): void {
    const answer = answerInRefusal(refusal, call.id);
    if (answer !== undefined) this.#book.receive(answer, undefined);
    else if (refusal.status < 500 || !this.#listenAgain(call))
      this.lose(call, faultOf(refusal, this.client));
  }

  interrupted(call: RemoteCall, fault: Fault): void {
    this.lose(call, fault);
  }

  unreachable(fault: Fault): boolean {
    const isGone = this.#reach.failed() && !this.#book.awaitsAnswer;
    if (isGone || fault.code !== 'UPSTREAM_UNREACHABLE') this.#end(fault.message, fault);
    return this.#ended === undefined;
  }

  /** @returns whether the call is a subscription that had been granted */
  #listenAgain(call: RemoteCall): boolean {
    if (call.method !== LISTEN || !call.wasNotified || call.isOver || this.#ended !== undefined)
      return false;
    const cuts = this.#cuts.get(call) ?? 0;
    this.#cuts.set(call, cuts + 1);
    const ms = Math.min(LISTEN_AGAIN_MS * 2 ** Math.min(cuts, 10), LISTEN_AGAIN_MS_MAX);
    call.later(ms, () => call.post());
    return true;
  }

  #end(detail: string, fault: Fault): void {
    if (this.#ended !== undefined) return;
    this.#ended = detail;
    this.#cuts.clear();
    this.#book.loseAll(fault);
    this.#observer.ended(detail);
  }
}

/** Errors that are about the gateway's own request, of which its client knows nothing. */
function hopFault(answer: RawAnswer, client: HttpClient): Fault | undefined {
  const error = parseAnswer(answer)?.['error'];
  if (!isObject(error)) return undefined;
  const { code, message } = plainError(error);
  if (!isAboutOurHop({ code, message })) return undefined;
  const detail = hopDetail({ code, message: shortened(client.clean(message)) });
  return protocolFault(detail, { upstreamCode: code });
}
