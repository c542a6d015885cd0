/**
 * One client of a legacy revision, from `initialize` to its end, on whatever transport. It owns the children that
 * are lent to it: what they ask or say on their own goes to this client and to nobody else.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import { latin1 } from '../byte-text.ts';
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import { capabilityFor } from '../../domain/protocol/capabilities.ts';
import {
  CLIENT_SLOT,
  rawIdOf,
  type ClientMessage,
  type ClientText,
} from '../../domain/protocol/client-message.ts';
import type { InputRequest } from '../../domain/protocol/input-rounds.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { isLogLevel, LOG_LEVELS_TEXT } from '../../domain/protocol/log-levels.ts';
import {
  RPC,
  type JsonObject,
  type Notification,
  type Request,
} from '../../domain/protocol/json-rpc.ts';
import { legacyQuestionParams } from '../../domain/protocol/wanted-input.ts';
import { Call } from '../calls/call.ts';
import { rpcErrorOf, type ClientReply } from '../calls/reply.ts';
import type { AnswerSink } from '../calls/rounds.ts';
import { listKindOf } from '../catalog/fetch-catalog.ts';
import type { Endpoint, View } from '../catalog/views.ts';
import { answerList } from '../dispatch/lists.ts';
import type { ReadHeader } from '../dispatch/call-path.ts';
import type { Hub } from '../dispatch/hub.ts';
import type { Bytes, UpstreamCall } from '../ports.ts';
import type {
  ChangedList,
  Child,
  Owner,
  ServerNotification,
  ServerRequest,
} from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import { AskedQuestions } from './asked-questions.ts';
import { forwardRequest } from '../tasks/forward.ts';
import { SessionResources } from './session-resources.ts';

/** Where messages go that belong to no request of the client. */
export interface Outlet {
  send(message: readonly Bytes[]): void;
}

interface OwnCall {
  readonly call: Call;
  /** The id of the client's request, as JSON text. */
  readonly rawId: string;
}

interface ForwardedRequest {
  readonly request: Request;
  readonly text: ClientText;
  readonly reply: ClientReply;
  readonly header: ReadHeader | undefined;
}

export interface LegacyClient {
  readonly id: string;
  readonly revision: string;
  readonly endpoint: Endpoint;
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
}

/** Calls of one session in flight at one time. */
const CALLS_MAX = 256;

export class LegacySession implements Owner {
  readonly client: LegacyClient;
  readonly #hub: Hub;
  readonly #outlet: Outlet;
  /** By their ids as the client wrote them; it may use one twice at a time: both calls are its own. */
  readonly #calls = new SlotMap<OwnCall>();
  readonly #questions = new AskedQuestions();
  readonly #resources: SessionResources;
  #user: ServerUser;
  readonly #commonView: View;
  #ownView: View | undefined;
  #unwatch: (() => void) | undefined;
  #closed = false;
  #isSilent = false;
  logLevel: string | undefined;

  constructor(hub: Hub, client: LegacyClient, outlet: Outlet) {
    this.client = client;
    this.#hub = hub;
    this.#outlet = outlet;
    this.#resources = new SessionResources(hub, (message) => outlet.send(message));
    this.#user = this.#userWith(false);
    this.#commonView = hub.views.of(client.endpoint, this.#user.asker);
  }

  /** What the client sees: what its kind of clients sees, until a child of its own lists something else. */
  get view(): View {
    if (!this.#hub.catalogs.hasPrivate(this)) return this.#commonView;
    this.#ownView ??= this.#hub.views.own(this.client.endpoint, this.#user.asker, this);
    return this.#ownView;
  }

  get user(): ServerUser {
    return this.#user;
  }

  get busy(): boolean {
    return this.#calls.size > 0;
  }

  /** Takes any message of the client; a request is answered through the reply that `newReply` gives for its id. */
  receive(
    { message, text }: ClientMessage,
    newReply: (rawId: string) => ClientReply,
    header?: ReadHeader,
  ): void {
    if (message.kind === 'request')
      this.request(message, text, newReply(rawIdOf(message, text)), header);
    else if (message.kind === 'notification') this.notification(message, text);
    else if (message.kind === 'response') this.response(message.id, text);
  }

  /** Answers through `reply`, now or later, once. */
  request(request: Request, text: ClientText, reply: ClientReply, header?: ReadHeader): void {
    const kind = listKindOf(request.method);
    const { params } = request;
    if (kind !== undefined)
      answerList(this.#hub, { view: this.view, user: this.#user, kind, params, reply });
    else if (request.method === 'ping') reply.result({});
    else if (request.method === 'logging/setLevel') this.#setLevel(request, reply);
    else if (request.method === 'resources/subscribe')
      this.#resources.subscribe({ view: this.view, user: this.#user }, request, reply);
    else if (request.method === 'resources/unsubscribe')
      this.#resources.unsubscribe({ view: this.view, user: this.#user }, request, reply);
    else if (request.method === 'initialize') {
      reply.refuse({
        code: RPC.invalidRequest,
        message: 'Invalid request: the session is already initialized',
      });
    } else if (this.#isFull) {
      const detail = `${CALLS_MAX} calls of this session are in flight`;
      reply.refuse(rpcErrorOf(new Fault('GATEWAY_BUSY', detail)));
    } else this.#forward({ request, text, reply, header });
  }

  notification({ method, params }: Notification, text: ClientText): void {
    switch (method) {
      case 'notifications/initialized':
        this.#unwatch ??= this.#commonView.watch((changed) => this.listsChanged(changed));
        return;
      case 'notifications/cancelled': {
        const id = spanText(text.text, text.spans, CLIENT_SLOT.requestId);
        const reason = params?.['reason'];
        for (const { call, rawId } of this.#calls) {
          if (rawId === id)
            call.cancel(typeof reason === 'string' ? reason : 'cancelled by the client');
        }
        return;
      }
      case 'notifications/progress':
        this.#questions.progress(params?.['progressToken'], text);
        return;
      default:
        // Anything else without an id is a request that nobody routed: some servers would obey it.
        if (!method.startsWith('notifications/')) return;
        // What concerns the client as a whole (its roots changed, say) goes to every child that knows the client.
        for (const server of this.#hub.fleet.all) {
          for (const { seat, connection } of server.childrenOf(this))
            if (seat.era === 'legacy') connection.write(text.text); // the other has no such notifications
        }
    }
  }

  /** The client's answer to a question of a server. */
  response(id: unknown, text: ClientText): void {
    this.#questions.answer(id, text);
  }

  /** The client says nothing any more: what servers ask it, or have asked, is refused. */
  fellSilent(): void {
    this.#isSilent = true;
    this.#questions.close();
  }

  serverRequest(child: Child, request: ServerRequest, during?: UpstreamCall): void {
    if (this.#isSilent) {
      child.refuse(request.rawId, RPC.internalError, 'the client is gone');
      return;
    }
    const capability = capabilityFor(request.method);
    if (capability !== undefined && this.client.capabilities[capability] === undefined) {
      child.refuse(
        request.rawId,
        RPC.methodNotFound,
        `the client does not support ${request.method}`,
      );
      return;
    }
    const message = this.#questions.put(child, request);
    if (message !== undefined) this.#say(child, message, during);
  }

  ask(call: UpstreamCall, question: InputRequest, sink: AnswerSink): () => void {
    if (this.#isSilent) throw new Fault('INPUT_REFUSED', 'the client is gone');
    const id = this.#questions.open(sink);
    const stream = this.#ownCall(call)?.reply ?? this.#outlet;
    const params = legacyQuestionParams(question, randomUUID);
    const request = JSON.stringify({ jsonrpc: '2.0', id, method: question.method, params });
    stream.send([latin1(request)]);
    return () =>
      stream.send([this.#questions.withdraw(id, 'nobody waits for the answer any more')]);
  }

  serverNotification(child: Child, notification: ServerNotification, during?: UpstreamCall): void {
    const message =
      notification.method === 'notifications/cancelled'
        ? this.#questions.takeBack(child, notification)
        : [notification.line.text];
    if (message !== undefined) this.#say(child, message, during);
  }

  childEnded(child: Child): void {
    for (const message of this.#questions.childEnded(child)) this.#outlet.send([message]);
  }

  /** Ends the session: its calls, its questions, the children that are its own. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch?.();
    // What the gateway asks for a call goes with the call; then servers are told that nobody answers.
    for (const { call } of this.#calls) if (call.isAskingClient) call.cancel(reason);
    this.#questions.close();
    for (const { call } of this.#calls) call.cancel(reason);
    this.#resources.close();
    this.#hub.tasks.release(this.#user.asker);
    for (const server of this.#hub.fleet.all) server.release(this);
  }

  #userWith(wantsLogs: boolean): ServerUser {
    const { id, capabilities, clientInfo } = this.client;
    const asker: Asker = { era: 'legacy', owner: id, capabilities, wantsLogs, isOneClient: true };
    return { asker, owner: this, clientInfo };
  }

  /** One client cannot take all of `limits.in_flight_max`. */
  get #isFull(): boolean {
    return this.#calls.size >= CALLS_MAX;
  }

  #forward({ request, text, reply, header }: ForwardedRequest): void {
    let key = 0;
    const call = forwardRequest(this.#hub, {
      view: this.view,
      user: this.#user,
      request,
      text,
      reply,
      header,
      onSettled: () => {
        this.#calls.remove(key);
      },
    });
    if (call?.settled !== false) return;
    key = this.#calls.insert({ call, rawId: rawIdOf(request, text) });
  }

  /** Log messages carry no correlation, so a client that wants them gets children of its own. */
  #setLevel(request: Request, reply: ClientReply): void {
    const level = request.params?.['level'];
    if (!isLogLevel(level)) {
      reply.refuse({
        code: RPC.invalidParams,
        message: `Invalid params: "level" is one of ${LOG_LEVELS_TEXT}`,
      });
      return;
    }
    this.logLevel = level;
    this.#user = this.#userWith(true);
    reply.result({});
  }

  /** On the stream of the call that it belongs to, else of one that the child works on, where there is one. */
  #say(child: Child, message: readonly Bytes[], during: UpstreamCall | undefined): void {
    const own = during === undefined ? undefined : this.#ownCall(during);
    if (own !== undefined) {
      own.reply.send(message);
      return;
    }
    const latest = [...this.#calls].findLast(({ call }) => call.isWorkOf(child));
    if (latest === undefined) this.#outlet.send(message);
    else latest.call.reply.send(message);
  }

  /** The client's call that `call` is, or that it is made for by the gateway. */
  #ownCall(call: UpstreamCall): Call | undefined {
    if (!(call instanceof Call)) return undefined;
    return [...this.#calls].find((own) => own.call === call || own.call.isCarriedBy(call))?.call;
  }

  listsChanged(changed: readonly ChangedList[]): void {
    for (const kind of changed) {
      this.#outlet.send([`{"jsonrpc":"2.0","method":"notifications/${kind}/list_changed"}`]);
    }
  }
}
