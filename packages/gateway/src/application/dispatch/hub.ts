/** What every front of the gateway shares: servers, catalogues, views, calls; built from the options, ended together. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { PLAIN_BATCHES, type BatchParts } from '../batch/batch-parts.ts';
import { EraBridge } from '../calls/era-bridge.ts';
import { Catalogs } from '../catalog/catalogs.ts';
import { Views, type Endpoint, type View } from '../catalog/views.ts';
import { NO_LIMITS, type ExecutionSettings } from '../../domain/execution/settings.ts';
import { ExecutionGate } from '../execution/execution-gate.ts';
import { GatewayTools, type ToolFamilies } from '../gateway-tools/gateway-tools.ts';
import { Parking } from '../parking/parking.ts';
import type {
  Clock,
  DescribeConfiguration,
  EventSink,
  Logger,
  MemoryStore,
  ParkedCallStore,
  Sealer,
  UpstreamLauncher,
} from '../ports.ts';
import type { SettledCall } from '../recording/call-event.ts';
import { settlesWithin } from '../settles-within.ts';
import {
  McpServer,
  type ServerDependencies,
  type ServerListener,
  type ServerUser,
} from '../servers/mcp-server.ts';
import { ServerLogs } from '../servers/server-logs.ts';
import { StartStages } from '../servers/start-stages.ts';
import { Subscriptions } from '../subscriptions/subscriptions.ts';
import { TaskTable } from '../tasks/task-table.ts';
import type { UseCaseDeps } from '../use-case.ts';
import { CallPath } from './call-path.ts';

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
  readonly configuration?: DescribeConfiguration | undefined;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
  readonly leaseWaitMs: number;
  readonly inFlightMax: number;
  /** Limits over all servers; none unless given. */
  readonly execution?: ExecutionSettings | undefined;
  readonly catalog: {
    readonly firstListWaitMs: number;
    readonly ttlMs: number;
    readonly startConcurrency: number;
  };
  /** Without it batches are neither recorded nor continued. */
  readonly batches?: BatchParts | undefined;
  readonly toolAccess: {
    /** What clients see at the endpoint of all servers: servers and gateway, the gateway only, the servers only. */
    readonly mode: 'hybrid' | 'egress' | 'front_door';
    readonly gatewayTools: ToolFamilies;
    readonly naming: 'prefixed' | 'bare';
  };
}

export class Hub {
  readonly options: HubOptions;
  readonly servers: readonly McpServer[];
  readonly catalogs: Catalogs;
  readonly views: Views;
  readonly subscriptions: Subscriptions;
  readonly calls: CallPath;
  readonly tasks: TaskTable;
  /** What every call to a server passes. */
  readonly gate: ExecutionGate;
  /** What commands and queries work with, whoever asks for them. */
  readonly useCases: UseCaseDeps;
  /** Calls of modern clients that wait for answers. */
  readonly parking: Parking;
  readonly #tools: GatewayTools;
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();
  readonly #firstLists = new WeakMap<View, number>();

  constructor(options: HubOptions) {
    this.options = options;
    const { clock, logger, memory, modernMeta, parkedCalls: store, sealer, info } = options;
    this.parking = new Parking({ clock, store, sealer, info });
    this.catalogs = new Catalogs({ clock, logger, modernMeta, memory, ...options.catalog });
    this.subscriptions = new Subscriptions(options);
    this.tasks = new TaskTable(options.clock);
    this.gate = new ExecutionGate({ ...options, settings: options.execution ?? NO_LIMITS });
    this.views = new Views({
      catalogs: this.catalogs,
      serverInfo: options.info,
      ttlMs: options.catalog.ttlMs,
    });
    const stages = new StartStages();
    const logs = new ServerLogs();
    const parts = {
      ...options,
      launcher: logs.kept(stages.told(options.launcher)),
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
      configuration: options.configuration,
      stages,
      logs,
      startConcurrency: options.catalog.startConcurrency,
      batches: options.batches ?? PLAIN_BATCHES,
      gate: this.gate,
      send: (call) => this.calls.sendInternal(call),
    };
    const { mode, gatewayTools, naming } = options.toolAccess;
    this.#tools = new GatewayTools(mode === 'front_door' ? 'none' : gatewayTools);
    this.calls = new CallPath({
      ...options,
      callTimeoutMsMin: Math.min(...options.servers.map((spec) => spec.callTimeoutMs)),
      bridge: new EraBridge(info, (state) => this.parking.stray(state)),
      catalogs: this.catalogs,
      gate: this.gate,
      known: (view, user) => this.known(view, user),
      runOwn: (tool, client, call) =>
        this.#tools.run(tool, { deps: this.useCases, client, call, info }),
    });
    const shown = mode === 'egress' ? [] : this.servers;
    this.#all = {
      name: '*',
      servers: shown,
      prefixed: naming === 'bare' ? 'on-collision' : true,
      ownTools: this.#tools,
      toolsOnly: mode === 'egress',
    };
    for (const server of shown) this.#single.set(server.spec.id, alone(server));
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
    return this.calls.inFlight;
  }

  /** The endpoint of one server, or of all; undefined for an unknown id. */
  endpoint(serverId: string | undefined): Endpoint | undefined {
    return serverId === undefined ? this.#all : this.#single.get(serverId);
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
    this.calls.close();
    this.tasks.close();
    await Promise.allSettled(this.servers.map((server) => server.close()));
  }
}

/** The endpoint of one server. */
const alone = (server: McpServer): Endpoint => ({
  name: server.spec.id,
  servers: [server],
  prefixed: false,
});
