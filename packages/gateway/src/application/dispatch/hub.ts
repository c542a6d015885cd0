/** What every front of the gateway shares: servers, catalogues, views, calls; built from the options, ended together. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Breaker } from '../../domain/breaker/breaker.ts';
import { mcpServerStream, type McpServerEvent } from '../../domain/mcp-server/events.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import type { GroupHistory } from '../../domain/group/history.ts';
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { PLAIN_BATCHES, type BatchParts } from '../batch/batch-parts.ts';
import { EraBridge } from '../calls/era-bridge.ts';
import { Catalogs } from '../catalog/catalogs.ts';
import { Views, type View } from '../catalog/views.ts';
import { Groups } from '../groups/groups.ts';
import { NO_LIMITS, type ExecutionSettings } from '../../domain/execution/settings.ts';
import { ExecutionGate } from '../execution/execution-gate.ts';
import { HealthSchedule } from '../health/health-schedule.ts';
import { GatewayTools, type ToolFamilies } from '../gateway-tools/gateway-tools.ts';
import { Parking } from '../parking/parking.ts';
import type {
  Clock,
  DescribeConfiguration,
  EventSink,
  Fencing,
  Logger,
  MemoryStore,
  ParkedCallStore,
  Sealer,
  UpstreamLauncher,
} from '../ports.ts';
import type { SettledCall } from '../recording/call-event.ts';
import { registeredAtBoot } from '../recording/registrations.ts';
import { settlesWithin } from '../settles-within.ts';
import { McpServer, type ServerUser } from '../servers/mcp-server.ts';
import type {
  Remembered,
  ServerDependencies,
  ServerListener,
} from '../servers/server-dependencies.ts';
import { ServerLogs } from '../servers/server-logs.ts';
import { StartStages } from '../servers/start-stages.ts';
import { newProcesses } from '../processes/new-processes.ts';
import type { PastProcesses } from '../processes/past-processes.ts';
import type { Processes } from '../processes/processes.ts';
import { Subscriptions } from '../subscriptions/subscriptions.ts';
import { TaskTable } from '../tasks/task-table.ts';
import type { ReloadConfiguration } from '../reload/reloads.ts';
import type { UseCaseDeps } from '../use-case.ts';
import { CallPath } from './call-path.ts';
import { Fleet, type Formation } from './fleet.ts';

export interface HubOptions {
  readonly servers: readonly McpServerSpec[];
  readonly groups?: readonly GroupSpec[] | undefined;
  readonly launcher: UpstreamLauncher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  /** Hears of every tool call that is over. */
  readonly callSettled: (call: SettledCall) => void;
  /** What is known of the servers from before this start. */
  readonly memory: MemoryStore;
  readonly past: ReadonlyMap<string, Lifecycle>;
  readonly groupPast?: ReadonlyMap<string, GroupHistory> | undefined;
  /** Of circuit breakers, by the stream of what each belongs to. */
  readonly pastCircuits?: ReadonlyMap<string, Breaker>;
  readonly pastProcesses?: PastProcesses;
  /** Where other gateways use the same store. */
  readonly fencing?: Fencing;
  /** A UUID for an event; a random one unless given. */
  readonly newEventId?: () => string;
  readonly random: () => number;
  readonly info: JsonObject;
  readonly parkedCalls: ParkedCallStore;
  readonly sealer: Sealer;
  readonly configuration?: DescribeConfiguration | undefined;
  readonly reload?: ReloadConfiguration | undefined;
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
  /** Why what is to outlive the gateway is not kept just now. */
  readonly stateProblem?: () => string | undefined;
  readonly toolAccess: {
    /** What clients see at the endpoint of all servers: servers and gateway, the gateway only, the servers only. */
    readonly mode: 'hybrid' | 'egress' | 'front_door';
    readonly gatewayTools: ToolFamilies;
    readonly naming: 'prefixed' | 'bare';
  };
}

export class Hub {
  readonly options: HubOptions;
  readonly fleet: Fleet;
  readonly groups: Groups;
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
  readonly #health: HealthSchedule;
  /** What reacts to facts, later: the recovery of degraded servers. */
  readonly processes: Processes;
  readonly #tools: GatewayTools;
  readonly #parts: ServerDependencies;
  #firstLists = new WeakMap<View, number>();

  constructor(options: HubOptions) {
    this.options = options;
    const { clock, logger, memory, modernMeta, parkedCalls: store, sealer, info } = options;
    this.parking = new Parking({ clock, store, sealer, info });
    this.catalogs = new Catalogs({ clock, logger, modernMeta, memory, ...options.catalog });
    this.subscriptions = new Subscriptions({ ...options, findGroup: (id) => this.groups.find(id) });
    this.tasks = new TaskTable(options.clock);
    this.gate = new ExecutionGate({ ...options, settings: options.execution ?? NO_LIMITS });
    this.#health = new HealthSchedule(options);
    this.processes = newProcesses(options, () => this.fleet.servers);
    this.views = new Views({
      catalogs: this.catalogs,
      serverInfo: options.info,
      ttlMs: options.catalog.ttlMs,
    });
    const stages = new StartStages();
    const logs = new ServerLogs();
    this.#parts = {
      ...options,
      launcher: logs.kept(stages.told(options.launcher)),
      listener: this.#listener(stages),
      events: this.processes,
    };
    const { mode, gatewayTools, naming } = options.toolAccess;
    this.#tools = new GatewayTools(mode === 'front_door' ? 'none' : gatewayTools);
    const enabled = options.servers.filter((spec) => spec.enabled);
    const servers = enabled.map((spec) => this.newServer(spec, pastOf(options, spec)));
    this.groups = this.#newGroups(servers);
    this.processes.add(this.groups.process);
    const fleet = new Fleet(
      { servers, groups: this.groups.all, ...switchedOff(options) },
      {
        prefixed: naming === 'bare' ? 'on-collision' : true,
        ownTools: this.#tools,
        toolsOnly: mode === 'egress',
      },
    );
    this.fleet = fleet;
    this.useCases = {
      clock: options.clock,
      logger: options.logger,
      startedAtMs: options.clock.nowMs(),
      fleet,
      stateProblem: options.stateProblem,
      catalogs: this.catalogs,
      parkedCalls: this.parking,
      processes: this.processes,
      configuration: options.configuration,
      reload: options.reload,
      stages,
      logs,
      startConcurrency: options.catalog.startConcurrency,
      batches: options.batches ?? PLAIN_BATCHES,
      gate: this.gate,
      send: (call) => this.calls.sendInternal(call),
    };
    this.calls = new CallPath({
      ...options,
      callTimeoutMsMin: shortestCallMs(options),
      bridge: new EraBridge(info, (state) => this.parking.stray(state)),
      catalogs: this.catalogs,
      gate: this.gate,
      known: (view, user) => this.known(view, user),
      runOwn: (tool, client, call) =>
        this.#tools.run(tool, { deps: this.useCases, client, call, info }),
    });
  }

  #newGroups(servers: readonly McpServer[]): Groups {
    const { groups = [], groupPast: past = new Map(), catalog } = this.options;
    const { startConcurrency } = catalog;
    return new Groups(groups, servers, { ...this.options, past, startConcurrency });
  }

  /** Goes on with what the gateway before this one had begun, in the background. */
  begin(): void {
    const { past, servers } = this.options;
    this.register(registeredAtBoot(past, servers));
    this.processes.resume();
    this.groups.begin();
  }

  /** Records what came into the configuration, changed there, or left it. */
  register(events: readonly McpServerEvent[]): void {
    for (const event of events)
      this.processes.record(mcpServerStream(event.data.mcp_server_id), event);
  }

  /** A server that is in no fleet yet. @param past where the log left off */
  newServer(spec: McpServerSpec, past: Past = NO_PAST): McpServer {
    const known = this.options.memory.load(spec);
    const remembered = { ...past, eras: known?.eras };
    const server = new McpServer(spec, { ...this.#parts, remembered });
    if (known !== undefined) this.catalogs.remember(server, known);
    return server;
  }

  /** Servers are others, or have other values: lists wait for those that are new, and probes for their time. */
  fleetChanged(): void {
    this.#firstLists = new WeakMap();
    for (const server of this.fleet.servers)
      if (server.running.length > 0) this.#health.watch(server);
  }

  #listener(stages: StartStages): ServerListener {
    return {
      ready: (server, child) => {
        stages.reached(server.spec.id, 'discovering_tools');
        this.catalogs.childReady(server, child);
        this.subscriptions.childReady(server, child);
        this.#health.watch(server);
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
    this.#health.close();
    this.processes.close();
    this.parking.close();
    this.views.close();
    this.catalogs.close();
    this.subscriptions.close();
    this.calls.close();
    this.tasks.close();
    await Promise.allSettled(this.fleet.all.map((server) => server.close()));
  }
}

type Past = Omit<Remembered, 'eras'>;

const NO_PAST: Past = { lifecycle: undefined };

/** Where the log left off with a server. */
const pastOf = ({ past, pastCircuits }: HubOptions, { id }: McpServerSpec): Past => ({
  lifecycle: past.get(id),
  circuit: pastCircuits?.get(mcpServerStream(id)),
});

/** What the configuration switches off. */
export const switchedOff = ({
  servers,
  groups = [],
}: Pick<HubOptions, 'servers' | 'groups'>): Pick<Formation, 'disabled' | 'disabledGroups'> => ({
  disabled: servers.filter((spec) => !spec.enabled),
  disabledGroups: groups.filter((spec) => !spec.enabled),
});

/** The shortest time limit that any of the servers and groups gives a call, or an attempt of one. */
export const shortestCallMs = ({
  servers,
  groups = [],
}: Pick<HubOptions, 'servers' | 'groups'>): number =>
  Math.min(
    ...[...servers, ...groups].map(({ callTimeoutMs, execution }) =>
      Math.min(callTimeoutMs, execution?.retry?.attemptTimeoutMs ?? callTimeoutMs),
    ),
  );
