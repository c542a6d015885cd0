/** The only place where the gateway is built. Nothing starts at import; nothing outlives the disposal. */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { eventIds } from '@mcp-hangar/eventing/event-id';
import { Hub, type HubOptions } from '../application/dispatch/hub.ts';
import type {
  Clock,
  ConfigurationSource,
  DescribeConfiguration,
  Logger,
  UpstreamLauncher,
} from '../application/ports.ts';
import { Generations } from '../application/reload/generations.ts';
import { Reloads, type ReloadConfiguration } from '../application/reload/reloads.ts';
import { readProcesses } from '../application/processes/past-processes.ts';
import { readCircuits } from '../application/recording/past-circuits.ts';
import { NOBODY } from '../application/servers/child.ts';
import { META, MODERN_REVISION } from '../domain/protocol/revisions.ts';
import { NO_CAPABILITIES } from '../domain/protocol/capabilities.ts';
import { MemoryParkedCalls } from '../infrastructure/state/memory-parked-calls.ts';
import { AesSealer } from '../infrastructure/state/sealer.ts';
import type { ChildTimings } from '../infrastructure/launcher/child-process.ts';
import { createGuardian, type Guardian } from '../infrastructure/launcher/guardian.ts';
import type { StateFolder } from '../infrastructure/state/state-folder.ts';
import { boundedDestination } from '../infrastructure/telemetry/bounded-destination.ts';
import { createLogger } from '../infrastructure/telemetry/logger.ts';
import { HttpFront } from '../server/front-door/http-front.ts';
import type { Health } from '../server/health/health-pages.ts';
import { StdioClients } from '../server/front-door/stdio-clients.ts';
import type { StdioFront } from '../server/front-door/stdio-front.ts';
import { openBatches } from './batches.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { INFO, newLauncher } from './launcher.ts';
import { openRecords, type Records } from './records.ts';

export interface Overrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly launcher?: UpstreamLauncher;
  readonly random?: () => number;
  readonly childTimings?: ChildTimings;
  /** Where to keep what outlives the process; without it everything is kept in memory. */
  readonly state?: StateFolder;
  /** Opened, and closed, by the caller. */
  readonly records?: Records;
  /** Tells an operator what the gateway was built from. */
  readonly configuration?: DescribeConfiguration;
  /** Where the configuration can be read again. */
  readonly source?: ConfigurationSource | undefined;
  /** The environment whose allow-listed part children get. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Waits, while the gateway shuts down, for calls that whoever built it has made itself. Never rejects. */
  readonly drain?: (graceMs: number) => Promise<unknown>;
}

export interface Gateway extends AsyncDisposable {
  readonly config: GatewayConfig;
  readonly hub: Hub;
  /** Legacy sessions over HTTP that are alive. */
  readonly httpSessions: () => number;
  readonly logger: Logger;
  readonly records: Records;
  /** Reads the configuration again; undefined where that cannot be. */
  readonly reload: ReloadConfiguration | undefined;
  /** Warms what the configuration says; serving clients does so by itself. */
  begin(): void;
  /** Binds an address, the configured one unless given. Answers the port. Rejects with the system's error. */
  listen(address?: { readonly host: string; readonly port: number }): Promise<number>;
  /**
   * Serves one client over a pair of streams, in place of or beside HTTP; it ends with them, or with the gateway.
   * A socket must be open for writing after its other side has ended (`allowHalfOpen`).
   */
  connect(input: Readable, output: Writable): StdioFront;
  /** Takes over an HTTP connection that somebody else has accepted. */
  accept(socket: Socket): void;
  /** Stops accepting, drains for `limits.shutdown_grace_s`, ends every child. Calling it again changes nothing. */
  close(): Promise<void>;
}

const IN_MEMORY: StateFolder = {
  kind: 'unavailable',
  reason: 'no folder was given',
  isExplicit: false,
};

/** @throws Fault EVENT_STORE_UNAVAILABLE where a configured event log cannot be used */
export async function compose(config: GatewayConfig, overrides: Overrides = {}): Promise<Gateway> {
  const clock = overrides.clock ?? { nowMs: () => Date.now() };
  const logger =
    overrides.logger ??
    createLogger({ ...config.logging, destination: boundedDestination(process.stderr) });
  const { state = IN_MEMORY, configuration, source, random = Math.random } = overrides;
  const records = overrides.records ?? (await openRecords({ config, state, clock, logger }));
  const env = overrides.env ?? process.env;
  const guardian = newGuardian(env, logger);
  const { limits } = config;
  const launcher =
    overrides.launcher ??
    newLauncher(config, { env, guardian, clock, logger, childTimings: overrides.childTimings });
  const batches = openBatches(config, { state, logger, records });
  const parts = { launcher, clock, logger, random, configuration, batches };
  const { hub, reload, reloads } = await openHub(config, { parts, source, records });
  let started = false;
  const health = healthOf(hub, { clock, records, started: () => started });
  let front: HttpFront | undefined;
  const openFront = (): HttpFront =>
    (front ??= new HttpFront({ hub, limits, ...config.http, health }));
  const begin = (): void => {
    if (started) return;
    started = true;
    beginWork(hub, config, records);
  };
  const clients = new StdioClients(hub, limits);
  const shutDown = async (): Promise<void> => {
    const { shutdownGraceMs } = limits;
    reloads?.close();
    await Promise.all([
      front?.close(shutdownGraceMs),
      clients.close(shutdownGraceMs),
      overrides.drain?.(shutdownGraceMs),
    ]);
    await hub.close();
    await batches[Symbol.asyncDispose]();
    if (overrides.records === undefined) await records[Symbol.asyncDispose]();
    await guardian[Symbol.asyncDispose]();
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= shutDown());
  return {
    config,
    hub,
    httpSessions: () => front?.sessions ?? 0,
    logger,
    records,
    reload,
    begin,
    async listen({ host, port: wanted } = config.http) {
      const port = await openFront().listen(host, wanted);
      begin();
      return port;
    },
    connect(input, output) {
      begin();
      return clients.connect(input, output);
    },
    accept(socket) {
      begin();
      openFront().accept(socket);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const newGuardian = (env: NonNullable<Overrides['env']>, logger: Logger): Guardian =>
  createGuardian({
    path: env['PATH'],
    onProblem: (problem) => logger.warn({ problem }, 'guardian_problem'),
  });

interface OpenedHub {
  readonly hub: Hub;
  readonly reload?: ReloadConfiguration;
  readonly reloads?: Reloads;
}

interface HubSources {
  readonly parts: Omit<HubParts, 'reload'>;
  readonly source: ConfigurationSource | undefined;
  readonly records: Records;
}

/** The hub, and what reads its configuration again: each needs the other. */
async function openHub(
  config: GatewayConfig,
  { parts, source, records }: HubSources,
): Promise<OpenedHub> {
  const past = await readOn(config, records);
  if (source === undefined) return { hub: newHub(config, { ...parts, ...past }, records) };
  const reload: ReloadConfiguration = (request) => reloads.request(request);
  const hub = newHub(config, { ...parts, ...past, reload }, records);
  const reloads = new Reloads({
    source,
    generations: new Generations(hub, config),
    clock: parts.clock,
    logger: parts.logger,
    events: records.recorder,
    drainMs: config.limits.shutdownGraceMs,
  });
  return { hub, reload, reloads };
}

/** What a gateway does before anybody asks it to. */
function beginWork(hub: Hub, { catalog }: GatewayConfig, { store, presence }: Records): void {
  hub.begin();
  presence?.onLeft(async () => hub.processes.adopt(await readProcesses(store, presence.claim)));
  if (catalog.warm === 'boot') warmAll(hub);
}

/** Where the log left off with what goes on in the background. */
async function readOn(
  { servers }: GatewayConfig,
  { store, presence }: Records,
): Promise<Pick<HubParts, 'pastCircuits' | 'pastProcesses'>> {
  const hasBreaker = servers.some(({ breaker }) => breaker !== undefined);
  return {
    ...(hasBreaker ? { pastCircuits: await readCircuits(store) } : {}),
    pastProcesses: await readProcesses(store, presence?.claim),
  };
}

function healthOf(
  hub: Hub,
  about: { readonly clock: Clock; readonly records: Records; readonly started: () => boolean },
): Health {
  const { clock, records, started } = about;
  const startedAtMs = clock.nowMs();
  return {
    uptimeMs: () => clock.nowMs() - startedAtMs,
    started,
    state: () => {
      const problem = records.problem();
      return problem === undefined
        ? { kind: 'open', isExplicit: false }
        : { kind: 'unavailable', reason: problem.publicReason, isExplicit: problem.isConfigured };
    },
    servers: () => ({
      total: hub.fleet.servers.length,
      running: hub.fleet.servers.filter((server) => server.running.length > 0).length,
    }),
  };
}

type HubParts = Pick<
  HubOptions,
  | 'launcher'
  | 'clock'
  | 'logger'
  | 'random'
  | 'configuration'
  | 'reload'
  | 'batches'
  | 'pastCircuits'
  | 'pastProcesses'
>;

function newHub(config: GatewayConfig, parts: HubParts, records: Records): Hub {
  const { limits, catalog } = config;
  const { recorder, memory, past, groupPast, presence } = records;
  return new Hub({
    ...parts,
    memory,
    past,
    groupPast,
    events: recorder,
    ...(presence && {
      fencing: { own: presence.own, record: recorder.recordFenced, refused: presence.check },
    }),
    newEventId: eventIds(parts.clock),
    stateProblem: () => {
      const problem = records.problem();
      return problem?.isLost === true ? problem.reason : undefined;
    },
    callSettled: config.eventLog.isEnabled ? (call) => recorder.callSettled(call) : () => undefined,
    servers: config.servers,
    groups: config.groups,
    info: INFO,
    modernMeta: {
      _meta: {
        [META.protocolVersion]: MODERN_REVISION,
        [META.clientCapabilities]: NO_CAPABILITIES,
        [META.clientInfo]: INFO,
      },
    },
    parkedCalls: new MemoryParkedCalls(limits.parkedCallsMax),
    sealer: new AesSealer(),
    leaseWaitMs: limits.leaseWaitMs,
    inFlightMax: limits.inFlightMax,
    execution: config.execution,
    catalog,
    toolAccess: config.toolAccess,
  });
}

/** `catalog.warm: boot`: lists every server as a client without capabilities would see it. */
function warmAll(hub: Hub): void {
  const asker = {
    era: 'legacy',
    owner: 'boot',
    capabilities: NO_CAPABILITIES,
    wantsLogs: false,
    isOneClient: false,
  } as const;
  const user = { asker, owner: NOBODY, clientInfo: undefined };
  for (const server of hub.fleet.servers) {
    if (hub.catalogs.lacks(server, asker)) void hub.catalogs.warm(server, user);
  }
}
