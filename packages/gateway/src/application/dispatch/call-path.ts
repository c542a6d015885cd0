/** The way of one request: from a client to the server that it names, by way of a child, and what is counted of it. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ClientText } from '../../domain/protocol/client-message.ts';
import { RPC, type Request } from '../../domain/protocol/json-rpc.ts';
import {
  checkParamHeaders,
  mirroredParams,
  paramHeaders as headersIn,
} from '../../domain/protocol/param-headers.ts';
import { wrapsOutput } from '../../domain/protocol/structured-content.ts';
import { Call } from '../calls/call.ts';
import { Deadlines } from '../calls/deadlines.ts';
import { withinLimit, type Delivery, type ToolTraits } from '../calls/delivery.ts';
import type { EraBridge } from '../calls/era-bridge.ts';
import { encodeHeaderValue } from '../calls/header-value.ts';
import type { InternalCall } from '../calls/internal-call.ts';
import { rpcErrorOf, type ClientReply } from '../calls/reply.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { View } from '../catalog/views.ts';
import { followMember } from '../groups/member-call.ts';
import type { ExecutionGate } from '../execution/execution-gate.ts';
import { isRepeatable } from '../execution/repeatable.ts';
import type { Clock, Logger } from '../ports.ts';
import type { SettledCall } from '../recording/call-event.ts';
import type { Child } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import { calleeOf } from '../servers/stand-in.ts';
import type { Upstream, Wanted } from '../servers/upstream.ts';
import { hidesTool, route, unknownMethod, type Target } from './router.ts';

export type ReadHeader = (name: string) => string | undefined;

/** One request of one client, with all that is known about it. */
export interface ClientRequest {
  readonly view: View;
  readonly user: ServerUser;
  readonly request: Request;
  readonly text: ClientText;
  readonly reply: ClientReply;
  /** Reads a request header, decoded; undefined where the transport has none. */
  readonly header: ReadHeader | undefined;
  /** Every `Mcp-Param-*` header as it came, by lower-case name; undefined where the transport has none. */
  readonly paramHeaders?: (() => Readonly<Record<string, string>>) | undefined;
  readonly onSettled: (call: Call) => void;
}

/** Where a request goes that names no tool, prompt or resource. */
export interface Place {
  readonly server: Upstream;
  readonly child?: Child | undefined;
  readonly timeoutMs: number;
}

export interface CallPathOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inFlightMax: number;
  /** The shortest time limit that any server gives a call. */
  readonly callTimeoutMsMin: number;
  readonly bridge: EraBridge;
  readonly catalogs: Catalogs;
  readonly gate: ExecutionGate;
  /** Resolves when what the view offers is known, as far as it will be; undefined where it is. */
  readonly known: (view: View, user: ServerUser) => Promise<unknown> | undefined;
  /** Runs a tool of the gateway itself, which settles the call. */
  readonly runOwn: (tool: string, client: ClientRequest, call: Call) => void;
  /** Hears of every tool call that is over. */
  readonly callSettled: (call: SettledCall) => void;
}

export class CallPath {
  readonly #options: CallPathOptions;
  readonly #catalogs: Catalogs;
  readonly #deadlines: Deadlines;
  #inFlight = 0;

  constructor(options: CallPathOptions) {
    this.#options = options;
    this.#catalogs = options.catalogs;
    this.#deadlines = new Deadlines(options.callTimeoutMsMin);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Sends a request to the server that it names. Answers through `reply`; the call can be cancelled. */
  forward(client: ClientRequest): Call {
    const { view, user, request } = client;
    const call = this.#open(client, client.onSettled);
    if (call.settled) return call;
    const routed = route(view, request.method, request.params);
    if (routed.kind === 'target' && !this.#needsSchema(client, routed.target)) {
      this.#deliver(client, call, routed.target);
    } else if (routed.kind === 'own') {
      this.#options.runOwn(routed.tool, client, call);
    } else if (routed.kind === 'refused') {
      call.refuse(routed.error);
    } else {
      const listed =
        routed.kind === 'target'
          ? this.#catalogs.listNow(routed.target.server, user)
          : (this.#options.known(view, user) ?? Promise.resolve());
      listed
        .then(() => this.#deliverKnown(client, call))
        .catch((error: unknown) => call.fail(error));
    }
    return call;
  }

  /**
   * Sends a request to a server, to its `child` where one is given. Only a child of the client's era gets it: what the
   * request means exists in one era.
   */
  sendTo(client: ClientRequest, to: Place): Call {
    const { user, request, paramHeaders } = client;
    const { server, child, timeoutMs } = to;
    const call = this.#open(client, client.onSettled);
    if (call.settled) return call;
    call.target = { mcpServerId: server.spec.id, name: undefined };
    const delivery: Delivery = { replace: undefined, traits: () => NO_TOOL, timeoutMs };
    const sending = { server, user, request, delivery, paramHeaders, isOfOneEra: true };
    if (child === undefined) this.#hand(call, sending);
    else {
      child.begin(user.owner);
      this.#send(call, child, sending);
    }
    return call;
  }

  /** A call that counts among those in flight until it settles; settled already where there are too many. */
  #open(
    client: Pick<ClientRequest, 'user' | 'request' | 'text' | 'reply'>,
    onSettled: (call: Call) => void,
    onSent?: () => void,
  ): Call {
    const { user, request, text, reply } = client;
    this.#inFlight += 1;
    const call = new Call({
      request: { era: user.asker.era, method: request.method, params: request.params, text, user },
      clock: this.#options.clock,
      deadlines: this.#deadlines,
      bridge: this.#options.bridge,
      reply,
      onDefect: (error) =>
        this.#options.logger.error(
          { method: request.method, error: stackOf(error) },
          'defect_in_call',
        ),
      onSettled: (settled) => {
        this.#inFlight -= 1;
        settled.gate?.over();
        onSettled(settled);
        if (request.method === 'tools/call') this.#record(client, settled);
      },
      onSent,
    });
    reply.onOverflow = () =>
      call.fail(
        new Fault('CLIENT_TOO_SLOW', 'the client does not read (limits.client_buffer_bytes_max)'),
      );
    if (this.#inFlight > this.#options.inFlightMax) {
      const detail = `${this.#options.inFlightMax} calls are in flight (limits.in_flight_max)`;
      call.refuse(rpcErrorOf(new Fault('GATEWAY_BUSY', detail)));
    }
    return call;
  }

  /** A call of the gateway for a client that asked it to: it goes the way of a client's own, its target given. */
  sendInternal(internal: InternalCall): Call {
    const { user, onSent, request, attemptsMax } = internal;
    const server = this.#calleeOf(internal.server);
    const call = this.#open(internal, () => undefined, onSent);
    const name = request.params?.['name'];
    call.target = { mcpServerId: server.spec.id, name: undefined };
    const traits = (): ToolTraits => {
      const tools = this.#catalogs.find(server, user.asker, user.owner)?.tools;
      const tool = tools?.find((listed) => listed['name'] === name) ?? {};
      return { paramHeaders: headersIn(tool['inputSchema']), wrapsOutput: wrapsOutput(tool) };
    };
    const timeoutMs = server.spec.callTimeoutMs;
    const delivery: Delivery = { replace: undefined, traits, timeoutMs };
    const sending = { server, user, request, delivery };
    if (call.settled) return call;
    if (attemptsMax !== undefined || this.#options.gate.guards(server))
      this.#admit(call, sending, internal);
    else this.#hand(call, sending);
    return call;
  }

  /** The shortest time limit that any server gives a call is another one now. */
  limitsChanged(callTimeoutMsMin: number): void {
    this.#deadlines.adapt(callTimeoutMsMin);
  }

  close(): void {
    this.#deadlines.close();
    this.#options.gate.close();
  }

  #record(
    { user, request, text }: Pick<ClientRequest, 'user' | 'request' | 'text'>,
    { ending, target, gate }: Call,
  ): void {
    if (ending === undefined) return;
    const name = target?.name ?? request.params?.['name'];
    const clientName = user.clientInfo?.['name'];
    this.#options.callSettled({
      mcpServerId: target?.mcpServerId,
      groupId: target?.groupId,
      toolName: typeof name === 'string' ? name : '',
      arguments: request.params?.['arguments'],
      requestChars: text.text.length,
      caller: user.asker.owner,
      clientName: typeof clientName === 'string' ? clientName : undefined,
      meta: request.params?.['_meta'],
      ending,
      attempts: gate?.attempts,
    });
  }

  /** The headers of a modern call are checked against the tool's schema, so that has to be known. */
  #needsSchema({ user, request }: ClientRequest, { server }: Target): boolean {
    if (user.asker.era === 'legacy' || request.method !== 'tools/call') return false;
    return this.#catalogs.lacks(server, user.asker);
  }

  /** For a server that wants arguments repeated in headers: its tools say which, so that they have to be known. */
  #sendMirrored(call: Call, child: Child, sending: Sending): void {
    const { server, user, request, delivery } = sending;
    const finish = (): void => {
      const uncallable = this.#catalogs.find(server, user.asker, user.owner)?.uncallable;
      const name = delivery.upstreamName ?? request.params?.['name'];
      // What was left out of the lists must not be called by whoever knows its name.
      if (request.method === 'tools/call' && uncallable?.has(name) === true)
        call.refuse({ code: RPC.invalidParams, message: `Unknown tool: ${String(name)}` });
      call.sendTo(child, { ...delivery, paramHeaders: sentHeaders(sending) });
    };
    if (request.method !== 'tools/call' || !this.#catalogs.lacks(server, user.asker)) finish();
    else void this.#catalogs.listNow(server, user).then(finish, finish);
  }

  /**
   * Refuses what the server hides that is about to get the call, whatever way led there: a backup does so while it stands
   * in, and a configuration that came while the call has waited.
   */
  #isKeptBy(child: Child, call: Call, { request, delivery }: Sending): boolean {
    const tool = toolOf(request, delivery);
    if (tool === undefined || !hidesTool(child, tool)) return false;
    call.refuse({ code: RPC.invalidParams, message: `Unknown tool: ${tool}` });
    call.sendTo(child, delivery); // which gives the child back
    return true;
  }

  /** Routes again once the catalogues that may name the target are known. */
  #deliverKnown(client: ClientRequest, call: Call): void {
    if (call.settled) return;
    const { view, request } = client;
    const routed = route(view, request.method, request.params);
    if (routed.kind === 'target') this.#deliver(client, call, routed.target);
    else if (routed.kind !== 'own') call.refuse(routed.error);
  }

  #deliver(client: ClientRequest, call: Call, target: Target): void {
    const { replace, upstreamName, paramHeaders } = target;
    const server = this.#calleeOf(target.server);
    const { user, request, header } = client;
    if (header !== undefined && user.asker.era === 'modern' && paramHeaders.length > 0) {
      const refusal = checkParamHeaders(paramHeaders, request.params?.['arguments'], header);
      if (refusal !== undefined) return call.refuse(refusal);
    }
    call.target = { mcpServerId: server.spec.id, name: upstreamName };
    const traits = (): ToolTraits => {
      const routed = route(client.view, request.method, request.params);
      return routed.kind === 'target' ? routed.target : target;
    };
    const timeoutMs = server.spec.callTimeoutMs;
    const delivery: Delivery = { replace, upstreamName, traits, timeoutMs };
    const sending = { server, user, request, delivery, header, paramHeaders: client.paramHeaders };
    if (this.#options.gate.guards(server)) this.#admit(call, sending, { timeoutMs });
    else this.#hand(call, sending);
  }

  /** Lets the call pass the gate, which hands it to its server, perhaps later and more than once. */
  #admit(
    call: Call,
    sending: Sending,
    limits: Pick<InternalCall, 'timeoutMs' | 'attemptsMax' | 'onRetry'>,
  ): void {
    const { server, user, request, delivery } = sending;
    const tool = toolOf(request, delivery);
    const { timeoutMs, attemptsMax, onRetry } = limits;
    this.#options.gate.admit(call, {
      server,
      principal: user.asker.owner,
      tool,
      timeoutMs,
      attemptsMax,
      onRetry,
      isRepeatable: () => isRepeatable(this.#catalogs.offer(server, user.asker, user.owner), tool),
      attempt: (limit) => {
        const limited = withinLimit(delivery, limit);
        this.#hand(call, limited === delivery ? sending : { ...sending, delivery: limited });
      },
    });
  }

  #calleeOf(server: Upstream): Upstream {
    return calleeOf(server, () => this.#options.clock.nowMs());
  }

  /** Gives the call to a child of the server, now or when there is one. */
  #hand(call: Call, sending: Sending): void {
    const send = (child: Child): void => {
      if (!this.#isKeptBy(child, call, sending)) this.#send(call, child, sending);
    };
    try {
      const child = sending.server.take(sending.user, call, sending);
      if (child instanceof Promise) {
        call.gate?.stepAside();
        const ready = (taken: Child): void =>
          call.gate === undefined ? send(taken) : call.gate.goOn(() => send(taken));
        child.then(ready).catch((error: unknown) => call.fail(error));
      } else send(child);
    } catch (error) {
      call.fail(error);
    }
  }

  #send(call: Call, child: Child, sending: Sending): void {
    let { delivery } = sending;
    if (sending.server.failover !== undefined) {
      delivery = withinLimit(delivery, call.gate?.attemptLimit);
      followMember(call, child, sending, {
        catalogs: this.#catalogs,
        clock: this.#options.clock,
        again: (avoid) => this.#hand(call, { ...sending, avoid }),
      });
    }
    if (child.seat.era !== sending.user.asker.era) {
      // It goes on: sending a call that is over ends the work that the child has begun for it.
      if (sending.isOfOneEra === true) call.refuse(unknownMethod(sending.request.method));
      // A modern server forgets a request that it answers with questions: any child of it can take the next.
      call.again ??= () => this.#hand(call, sending);
    }
    if (child.connection.mirrorsParams === true)
      this.#sendMirrored(call, child, { ...sending, delivery });
    else call.sendTo(child, delivery);
  }
}

interface Sending extends Pick<ClientRequest, 'user' | 'request' | 'paramHeaders'>, Wanted {
  readonly server: Upstream;
  readonly delivery: Delivery;
  /** What it asks for exists in the client's era only. */
  readonly isOfOneEra?: boolean;
}

/** Of a request that calls no tool. */
const NO_TOOL: ToolTraits = { paramHeaders: [], wrapsOutput: false };

/** The headers of a call to a server that may want some: the client's own, or made from the arguments. */
function sentHeaders({
  paramHeaders,
  request,
  delivery,
}: Sending): Readonly<Record<string, string>> {
  const own = paramHeaders?.();
  if (own !== undefined) return own;
  const mirrored = mirroredParams(delivery.traits().paramHeaders, request.params?.['arguments']);
  return Object.fromEntries(mirrored.map(([name, value]) => [name, encodeHeaderValue(value)]));
}

/** The server's own name of the tool; undefined where no tool is called. */
function toolOf({ method, params }: Request, { upstreamName }: Delivery): string | undefined {
  const name = upstreamName ?? params?.['name'];
  return method === 'tools/call' && typeof name === 'string' ? name : undefined;
}
