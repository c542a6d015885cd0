/** What every front of the gateway shares: servers, catalogues, views, and the way of one request through them. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { RPC, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import { checkParamHeaders, mirroredParams } from '../../domain/protocol/param-headers.ts';
import type { ClientText } from '../../domain/protocol/client-message.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { Call, type Delivery } from '../calls/call.ts';
import { Deadlines } from '../calls/deadlines.ts';
import { encodeHeaderValue } from '../calls/header-value.ts';
import { EraBridge } from '../calls/era-bridge.ts';
import type { ClientReply } from '../calls/reply.ts';
import { rpcErrorOf } from '../calls/reply.ts';
import { Catalogs } from '../catalog/catalogs.ts';
import { Views, type Endpoint, type View } from '../catalog/views.ts';
import type { Clock, Logger, UpstreamLauncher } from '../ports.ts';
import type { Child } from '../servers/child.ts';
import { McpServer, type ServerUser } from '../servers/mcp-server.ts';
import { listenForLists } from '../sessions/listening.ts';
import { Subscriptions } from '../sessions/subscriptions.ts';
import { route, type Target } from './router.ts';

export interface HubOptions {
  readonly servers: readonly McpServerSpec[];
  readonly launcher: UpstreamLauncher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly info: JsonObject;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
  readonly leaseWaitMs: number;
  readonly inFlightMax: number;
  readonly catalog: {
    readonly firstListWaitMs: number;
    readonly ttlMs: number;
    readonly startConcurrency: number;
  };
  readonly hideServers: boolean;
}

/** One request of one client, with all that is known about it. */
export interface ClientRequest {
  readonly view: View;
  readonly user: ServerUser;
  readonly request: Request;
  readonly text: ClientText;
  readonly reply: ClientReply;
  /** The decoded value of a request header; undefined where the transport has none. */
  readonly header: (name: string) => string | undefined;
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
  readonly #bridge: EraBridge;
  readonly #deadlines: Deadlines;
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();
  readonly #firstLists = new WeakMap<View, number>();
  #inFlight = 0;

  constructor(options: HubOptions) {
    this.options = options;
    this.#bridge = new EraBridge(options.info);
    this.#deadlines = new Deadlines(Math.min(...options.servers.map((spec) => spec.callTimeoutMs)));
    this.catalogs = new Catalogs({
      clock: options.clock,
      logger: options.logger,
      modernMeta: options.modernMeta,
      ...options.catalog,
    });
    this.subscriptions = new Subscriptions();
    this.views = new Views({
      catalogs: this.catalogs,
      serverInfo: options.info,
      ttlMs: options.catalog.ttlMs,
    });
    const listener = {
      ready: (server: McpServer, child: Child) => {
        this.catalogs.childReady(server, child);
        this.subscriptions.childReady(server, child);
        if (child.seat.era === 'modern') listenForLists(child, options.modernMeta);
      },
      changed: (
        server: McpServer,
        child: Child,
        notification: Parameters<Child['notification']>[0],
      ) => {
        this.catalogs.childChanged(server, child, notification.method);
        this.subscriptions.changed(server, child, notification);
      },
    };
    this.servers = options.servers.map((spec) => new McpServer(spec, { ...options, listener }));
    const shown = options.hideServers ? [] : this.servers;
    this.#all = { name: '*', servers: shown, prefixed: true };
    for (const server of shown) {
      this.#single.set(server.spec.id, {
        name: server.spec.id,
        servers: [server],
        prefixed: false,
      });
    }
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
    const { view, user, request, text, reply } = client;
    this.#inFlight += 1;
    const call = new Call({
      request: { era: user.asker.era, method: request.method, params: request.params, text },
      clock: this.options.clock,
      deadlines: this.#deadlines,
      bridge: this.#bridge,
      reply,
      owner: user.owner,
      onDefect: (error) =>
        this.options.logger.error(
          { method: request.method, error: stackOf(error) },
          'defect_in_call',
        ),
      onSettled: (settled) => {
        this.#inFlight -= 1;
        client.onSettled(settled);
      },
    });
    reply.onOverflow = () =>
      call.fail(
        new Fault('CLIENT_TOO_SLOW', 'the client does not read (limits.client_buffer_bytes_max)'),
      );
    if (this.#inFlight > this.options.inFlightMax) {
      const detail = `${this.options.inFlightMax} calls are in flight (limits.in_flight_max)`;
      call.refuse(rpcErrorOf(new Fault('GATEWAY_BUSY', detail)), 503);
      return call;
    }
    const routed = route(view, request.method, request.params);
    if (routed.kind === 'target' && !this.#needsSchema(client, routed.target)) {
      this.#deliver(client, call, routed.target);
    } else if (routed.kind === 'refused') {
      call.refuse(routed.error, routed.error.code === RPC.methodNotFound ? 404 : undefined);
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

  /** Resolves when every server of the view was listed or tried, at the latest after `first_list_wait_ms`. */
  known(view: View, user: ServerUser): Promise<void> | undefined {
    const missing = view.endpoint.servers.filter((server) =>
      this.catalogs.lacks(server, user.asker),
    );
    if (missing.length === 0) return undefined;
    const warm = Promise.all(missing.map((server) => this.catalogs.warm(server, user)));
    const nowMs = this.options.clock.nowMs();
    const untilMs = this.#firstLists.get(view) ?? nowMs + this.options.catalog.firstListWaitMs;
    this.#firstLists.set(view, untilMs);
    return within(warm, untilMs - nowMs);
  }

  async close(): Promise<void> {
    this.views.close();
    this.catalogs.close();
    this.#deadlines.close();
    await Promise.allSettled(this.servers.map((server) => server.close()));
  }

  /** The headers of a modern call are checked against the tool's schema, so that has to be known. */
  #needsSchema({ user, request }: ClientRequest, { server }: Target): boolean {
    if (user.asker.era === 'legacy' || request.method !== 'tools/call') return false;
    return this.catalogs.lacks(server, user.asker);
  }

  /** For a server that wants arguments repeated in headers: its tools say which, so that they have to be known. */
  #sendMirrored(client: ClientRequest, call: Call, { child, target, delivery }: Sending): void {
    const { user, request, view } = client;
    const { server, upstreamName } = target;
    const finish = (): void => {
      const routed = route(view, request.method, request.params);
      const { paramHeaders } = routed.kind === 'target' ? routed.target : target;
      const uncallable = this.catalogs.find(server, user.asker, user.owner)?.uncallable;
      const name = upstreamName ?? request.params?.['name'];
      // What was left out of the lists must not be called by whoever knows its name.
      if (request.method === 'tools/call' && uncallable?.has(name) === true)
        call.refuse({ code: RPC.invalidParams, message: `Unknown tool: ${String(name)}` });
      call.sendTo(child, { ...delivery, paramHeaders: sentHeaders(client, paramHeaders) });
    };
    if (request.method !== 'tools/call' || !this.catalogs.lacks(server, user.asker)) finish();
    else void this.catalogs.listNow(server, user).then(finish);
  }

  /** Routes again once the catalogues that may name the target are known. */
  #deliverKnown(client: ClientRequest, call: Call): void {
    if (call.settled) return;
    const { view, request } = client;
    const routed = route(view, request.method, request.params);
    if (routed.kind === 'target') this.#deliver(client, call, routed.target);
    else call.refuse(routed.error);
  }

  #deliver(client: ClientRequest, call: Call, target: Target): void {
    const { server, replace, upstreamName, paramHeaders } = target;
    const { user, request, header } = client;
    if (user.asker.era === 'modern' && paramHeaders.length > 0) {
      const refusal = checkParamHeaders(paramHeaders, request.params?.['arguments'], header);
      if (refusal !== undefined) return call.refuse(refusal.error, refusal.status);
    }
    const delivery: Delivery = { replace, upstreamName, timeoutMs: server.spec.callTimeoutMs };
    const send = (child: Child): void => {
      if (child.connection.mirrorsParams === true)
        this.#sendMirrored(client, call, { child, target, delivery });
      else call.sendTo(child, delivery);
    };
    try {
      const child = server.take(user, call);
      if (child instanceof Promise) child.then(send).catch((error: unknown) => call.fail(error));
      else send(child);
    } catch (error) {
      call.fail(error);
    }
  }
}

interface Sending {
  readonly child: Child;
  readonly target: Target;
  readonly delivery: Delivery;
}

/** The headers of a call to a server that may want some: the client's own, or made from the arguments. */
function sentHeaders(
  client: ClientRequest,
  paramHeaders: Target['paramHeaders'],
): Readonly<Record<string, string>> {
  const own = client.paramHeaders?.();
  if (own !== undefined) return own;
  const args = client.request.params?.['arguments'];
  return Object.fromEntries(
    mirroredParams(paramHeaders, args).map(([name, value]) => [name, encodeHeaderValue(value)]),
  );
}

const stackOf = (error: unknown): unknown => (error instanceof Error ? error.stack : error);

/** Resolves when `work` does or the time is up. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
