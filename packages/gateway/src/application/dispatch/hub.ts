/** What every front of the gateway shares: servers, catalogues, views, and the way of one request through them. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { RPC, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import {
  checkParamHeaders,
  mirroredParams,
  paramHeaders as headersIn,
} from '../../domain/protocol/param-headers.ts';
import { wrapsOutput } from '../../domain/protocol/structured-content.ts';
import type { ClientText } from '../../domain/protocol/client-message.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { Call, type Delivery, type ToolTraits } from '../calls/call.ts';
import { Deadlines } from '../calls/deadlines.ts';
import { encodeHeaderValue } from '../calls/header-value.ts';
import { EraBridge } from '../calls/era-bridge.ts';
import type { ClientReply } from '../calls/reply.ts';
import { rpcErrorOf } from '../calls/reply.ts';
import { Catalogs } from '../catalog/catalogs.ts';
import { Views, type Endpoint, type View } from '../catalog/views.ts';
import type { InternalCall } from '../calls/internal-call.ts';
import { GatewayTools, type ToolFamilies } from '../gateway-tools/gateway-tools.ts';
import { Parking } from '../parking/parking.ts';
import type {
  Clock,
  EventSink,
  Logger,
  MemoryStore,
  ParkedCallStore,
  Sealer,
  UpstreamLauncher,
} from '../ports.ts';
import type { SettledCall } from '../recording/call-event.ts';
import type { Child } from '../servers/child.ts';
import { settlesWithin } from '../settles-within.ts';
import {
  McpServer,
  type ServerDependencies,
  type ServerListener,
  type ServerUser,
} from '../servers/mcp-server.ts';
import { StartStages } from '../servers/start-stages.ts';
import { Subscriptions } from '../subscriptions/subscriptions.ts';
import { TaskTable } from '../tasks/task-table.ts';
import type { UseCaseDeps } from '../use-case.ts';
import { route, unknownMethod, type Target } from './router.ts';

export interface HubOptions {
  readonly servers: readonly McpServerSpec[];
  readonly launcher: UpstreamLauncher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  /** Hears of every tool call that is over. */
  readonly callSettled: (call: SettledCall) => void;
  /** What is known of the servers from before this start. */
  readonly memory: MemoryStore;
  readonly past: ReadonlyMap<string, Lifecycle>;
  readonly random: () => number;
  readonly info: JsonObject;
  readonly parkedCalls: ParkedCallStore;
  readonly sealer: Sealer;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
  readonly leaseWaitMs: number;
  readonly inFlightMax: number;
  readonly catalog: {
    readonly firstListWaitMs: number;
    readonly ttlMs: number;
    readonly startConcurrency: number;
  };
  readonly toolAccess: {
    /** What clients see at the endpoint of all servers: servers and gateway, the gateway only, the servers only. */
    readonly mode: 'hybrid' | 'egress' | 'front_door';
    readonly gatewayTools: ToolFamilies;
    readonly naming: 'prefixed' | 'bare';
  };
}

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

export class Hub {
  readonly options: HubOptions;
  readonly servers: readonly McpServer[];
  readonly catalogs: Catalogs;
  readonly views: Views;
  readonly subscriptions: Subscriptions;
  readonly tasks: TaskTable;
  /** What commands and queries work with, whoever asks for them. */
  readonly useCases: UseCaseDeps;
  /** Calls of modern clients that wait for answers. */
  readonly parking: Parking;
  readonly #tools: GatewayTools;
  readonly #bridge: EraBridge;
  readonly #deadlines: Deadlines;
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();
  readonly #firstLists = new WeakMap<View, number>();
  #inFlight = 0;

  constructor(options: HubOptions) {
    this.options = options;
    const { clock, parkedCalls: store, sealer, info } = options;
    this.parking = new Parking({ clock, store, sealer, info });
    this.#bridge = new EraBridge(info, (state) => this.parking.stray(state));
    this.#deadlines = new Deadlines(Math.min(...options.servers.map((spec) => spec.callTimeoutMs)));
    this.catalogs = new Catalogs({
      clock: options.clock,
      logger: options.logger,
      modernMeta: options.modernMeta,
      memory: options.memory,
      ...options.catalog,
    });
    this.subscriptions = new Subscriptions(options);
    this.tasks = new TaskTable(options.clock);
    this.views = new Views({
      catalogs: this.catalogs,
      serverInfo: options.info,
      ttlMs: options.catalog.ttlMs,
    });
    const stages = new StartStages();
    const parts = {
      ...options,
      launcher: stages.told(options.launcher),
      listener: this.#listener(stages),
    };
    const enabled = options.servers.filter((spec) => spec.enabled);
    this.servers = enabled.map((spec) => this.#newServer(spec, parts));
    this.useCases = {
      clock: options.clock,
      logger: options.logger,
      startedAtMs: options.clock.nowMs(),
      servers: this.servers,
      disabled: options.servers.filter((spec) => !spec.enabled),
      catalogs: this.catalogs,
      parkedCalls: this.parking,
      stages,
      startConcurrency: options.catalog.startConcurrency,
      send: (call) => this.#sendInternal(call),
    };
    const { mode, gatewayTools, naming } = options.toolAccess;
    this.#tools = new GatewayTools(mode === 'front_door' ? 'none' : gatewayTools);
    const shown = mode === 'egress' ? [] : this.servers;
    this.#all = {
      name: '*',
      servers: shown,
      prefixed: naming === 'bare' ? 'on-collision' : true,
      ownTools: this.#tools,
      toolsOnly: mode === 'egress',
    };
    for (const server of shown) {
      this.#single.set(server.spec.id, {
        name: server.spec.id,
        servers: [server],
        prefixed: false,
      });
    }
  }

  #newServer(spec: McpServerSpec, parts: ServerDependencies): McpServer {
    const { memory, past } = this.options;
    const known = memory.load(spec);
    const remembered = { lifecycle: past.get(spec.id), eras: known?.eras };
    const server = new McpServer(spec, { ...parts, remembered });
    if (known !== undefined) this.catalogs.remember(server, known);
    return server;
  }

  #listener(stages: StartStages): ServerListener {
    return {
      ready: (server, child) => {
        stages.reached(server.spec.id, 'discovering_tools');
        this.catalogs.childReady(server, child);
        this.subscriptions.childReady(server, child);
      },
      changed: (server, child, notification) => {
        this.catalogs.childChanged(server, child, notification.method);
        this.subscriptions.changed(server, child, notification);
        this.tasks.changed(child, notification);
      },
      ended: (server, child, reason) => this.subscriptions.childEnded(server, child, reason),
      toolsKnown: (server) => this.catalogs.toolsKnown(server),
    };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The endpoint of one server, or of all; undefined for an unknown id. */
  endpoint(serverId: string | undefined): Endpoint | undefined {
    return serverId === undefined ? this.#all : this.#single.get(serverId);
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
      this.#tools.run(routed.tool, { deps: this.useCases, client, call, info: this.options.info });
    } else if (routed.kind === 'refused') {
      call.refuse(routed.error);
    } else {
      const listed =
        routed.kind === 'target'
          ? this.catalogs.listNow(routed.target.server, user)
          : (this.known(view, user) ?? Promise.resolve());
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
      clock: this.options.clock,
      deadlines: this.#deadlines,
      bridge: this.#bridge,
      reply,
      onDefect: (error) =>
        this.options.logger.error(
          { method: request.method, error: stackOf(error) },
          'defect_in_call',
        ),
      onSettled: (settled) => {
        this.#inFlight -= 1;
        onSettled(settled);
        if (request.method === 'tools/call') this.#record(client, settled);
      },
      onSent,
    });
    reply.onOverflow = () =>
      call.fail(
        new Fault('CLIENT_TOO_SLOW', 'the client does not read (limits.client_buffer_bytes_max)'),
      );
    if (this.#inFlight > this.options.inFlightMax) {
      const detail = `${this.options.inFlightMax} calls are in flight (limits.in_flight_max)`;
      call.refuse(rpcErrorOf(new Fault('GATEWAY_BUSY', detail)));
    }
    return call;
  }

  /** A call of the gateway for a client that asked it to: it goes the way of a client's own, its target given. */
  #sendInternal(internal: InternalCall): Call {
    const { server, user, onSent, request } = internal;
    const call = this.#open(internal, () => undefined, onSent);
    const name = request.params?.['name'];
    call.target = { mcpServerId: server.spec.id, name: undefined };
    const traits = (): ToolTraits => {
      const tools = this.catalogs.find(server, user.asker, user.owner)?.tools;
      const tool = tools?.find((listed) => listed['name'] === name) ?? {};
      return { paramHeaders: headersIn(tool['inputSchema']), wrapsOutput: wrapsOutput(tool) };
    };
    const timeoutMs = server.spec.callTimeoutMs;
    const delivery: Delivery = { replace: undefined, traits, timeoutMs };
    if (!call.settled) this.#hand(call, { server, user, request, delivery });
    return call;
  }

  /** Resolves when every server of the view was listed or tried, at the latest after `first_list_wait_ms`. */
  known(view: View, user: ServerUser): Promise<unknown> | undefined {
    const missing = view.endpoint.servers.filter((server) =>
      this.catalogs.lacks(server, user.asker),
    );
    if (missing.length === 0) return undefined;
    const warm = Promise.all(missing.map((server) => this.catalogs.warm(server, user)));
    const nowMs = this.options.clock.nowMs();
    const untilMs = this.#firstLists.get(view) ?? nowMs + this.options.catalog.firstListWaitMs;
    this.#firstLists.set(view, untilMs);
    return settlesWithin(warm, Math.max(0, untilMs - nowMs));
  }

  async close(): Promise<void> {
    this.parking.close();
    this.views.close();
    this.catalogs.close();
    this.subscriptions.close();
    this.#deadlines.close();
    this.tasks.close();
    await Promise.allSettled(this.servers.map((server) => server.close()));
  }

  #record(
    { user, request, text }: Pick<ClientRequest, 'user' | 'request' | 'text'>,
    { ending, target }: Call,
  ): void {
    if (ending === undefined) return;
    const name = target?.name ?? request.params?.['name'];
    const clientName = user.clientInfo?.['name'];
    this.options.callSettled({
      mcpServerId: target?.mcpServerId,
      toolName: typeof name === 'string' ? name : '',
      arguments: request.params?.['arguments'],
      requestChars: text.text.length,
      caller: user.asker.owner,
      clientName: typeof clientName === 'string' ? clientName : undefined,
      meta: request.params?.['_meta'],
      ending,
    });
  }

  /** The headers of a modern call are checked against the tool's schema, so that has to be known. */
  #needsSchema({ user, request }: ClientRequest, { server }: Target): boolean {
    if (user.asker.era === 'legacy' || request.method !== 'tools/call') return false;
    return this.catalogs.lacks(server, user.asker);
  }

  /** For a server that wants arguments repeated in headers: its tools say which, so that they have to be known. */
  #sendMirrored(call: Call, child: Child, sending: Sending): void {
    const { server, user, request, delivery } = sending;
    const finish = (): void => {
      const uncallable = this.catalogs.find(server, user.asker, user.owner)?.uncallable;
      const name = delivery.upstreamName ?? request.params?.['name'];
      // What was left out of the lists must not be called by whoever knows its name.
      if (request.method === 'tools/call' && uncallable?.has(name) === true)
        call.refuse({ code: RPC.invalidParams, message: `Unknown tool: ${String(name)}` });
      call.sendTo(child, { ...delivery, paramHeaders: sentHeaders(sending) });
    };
    if (request.method !== 'tools/call' || !this.catalogs.lacks(server, user.asker)) finish();
    else void this.catalogs.listNow(server, user).then(finish, finish);
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
    const { server, replace, upstreamName, paramHeaders } = target;
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
    this.#hand(call, { server, user, request, delivery, paramHeaders: client.paramHeaders });
  }

  /** Gives the call to a child of the server, now or when there is one. */
  #hand(call: Call, sending: Sending): void {
    this.#take(call, sending, (child) => this.#send(call, child, sending));
  }

  #take(
    call: Call,
    { server, user }: Pick<Sending, 'server' | 'user'>,
    send: (child: Child) => void,
  ): void {
    try {
      const child = server.take(user, call);
      if (child instanceof Promise) child.then(send).catch((error: unknown) => call.fail(error));
      else send(child);
    } catch (error) {
      call.fail(error);
    }
  }

  #send(call: Call, child: Child, sending: Sending): void {
    if (child.seat.era !== sending.user.asker.era) {
      if (sending.isOfOneEra === true) call.refuse(unknownMethod(sending.request.method));
      // A modern server forgets a request that it answers with questions: any child of it can take the next.
      call.again ??= () => this.#hand(call, sending);
    }
    if (child.connection.mirrorsParams === true) this.#sendMirrored(call, child, sending);
    else call.sendTo(child, sending.delivery);
  }
}

/** Where a request goes that names no tool, prompt or resource. */
export interface Place {
  readonly server: McpServer;
  readonly child?: Child | undefined;
  readonly timeoutMs: number;
}

interface Sending extends Pick<ClientRequest, 'user' | 'request' | 'paramHeaders'> {
  readonly server: McpServer;
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
