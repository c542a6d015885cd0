/** What the gateway keeps over restarts: the event log and the memory of its servers. Without a folder, in memory. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { eventIds } from '@mcp-hangar/eventing/event-id';
import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import type { Clock, DomainEvent, EventSink, Logger, MemoryStore } from '../application/ports.ts';
import { EventRecorder } from '../application/recording/event-recorder.ts';
import { readPast } from '../application/recording/past.ts';
import { SnapshotKeeper } from '../application/recording/snapshot-keeper.ts';
import { readGroupPast } from '../application/groups/group-past.ts';
import type { GroupHistory } from '../domain/group/history.ts';
import type { Lifecycle } from '../domain/mcp-server/lifecycle-state.ts';
import { FORGETFUL, MemoryFiles } from '../infrastructure/state/memory-files.ts';
import type { StateFolder } from '../infrastructure/state/state-folder.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import type { Presence, PresenceOptions } from './presence.ts';
import {
  durablePlace,
  isPlaced,
  openStore,
  type DurablePlace,
  type DurableStore,
} from './open-store.ts';

/** Events that a gateway without a file remembers. */
const MEMORY_EVENTS_MAX = 10_000;
const PRUNE_EVERY_MS = 3_600_000;
const LOG_UNUSABLE = 'the event log cannot be used; "mcp-hangar status" tells why';
const MEMORY_UNUSABLE = 'catalogues of servers cannot be kept; the log of the gateway tells why';
/** Not while clients wait for their first answers. */
const FIRST_PRUNE_MS = 60_000;

export interface Records extends AsyncDisposable {
  readonly recorder: EventRecorder;
  readonly store: EventStore;
  readonly memory: MemoryStore;
  readonly past: ReadonlyMap<string, Lifecycle>;
  readonly groupPast: ReadonlyMap<string, GroupHistory>;
  /** The gateways that share the store; undefined where no other one can. */
  readonly presence: Presence | undefined;
  /** What of it does not last, and whether the operator had asked that it does; undefined where all is well. */
  readonly problem: () => RecordsProblem | undefined;
}

export interface RecordsProblem {
  readonly reason: string;
  /** The same for anybody who asks how the gateway is: it names no file, host or database. */
  readonly publicReason: string;
  /** The operator configured a place: being without it makes the gateway not ready. */
  readonly isConfigured: boolean;
  /** It was expected to last: people are told. */
  readonly isLost: boolean;
}

export interface RecordsOptions {
  readonly config: Pick<GatewayConfig, 'eventLog' | 'persistence'>;
  readonly state: StateFolder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws Fault EVENT_STORE_UNAVAILABLE where a configured log cannot be used and may not be replaced by memory */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  const { config, state, clock, logger } = options;
  const { eventLog } = config;
  const producedBy = `${hostname()}-${randomBytes(4).toString('hex')}`;
  const opened = await openLog(options, producedBy);
  const { durable, presence } = opened;
  const keeper = durable === undefined ? undefined : new SnapshotKeeper(durable);
  const recorder = new EventRecorder({
    store: opened.store,
    clock,
    logger,
    producedBy,
    newId: eventIds(clock),
    callsMax: eventLog.callsMax,
    ...(presence && { beforeClose: async () => presence[Symbol.asyncDispose]() }),
    ...(keeper && { onStored: (stream, count) => keeper.stored(stream, count) }),
  });
  let memoryProblem: string | undefined;
  const onProblem = (reason: string | undefined): void => {
    if (memoryProblem === undefined && reason !== undefined)
      logger.warn({ reason }, 'catalogues_not_kept');
    memoryProblem = reason;
  };
  const files =
    state.kind === 'open'
      ? new MemoryFiles({ folder: join(state.path, 'catalogs'), onProblem })
      : undefined;
  const pruning = keepBounded(durable, keeper, options);
  for (const { stream, event } of opened.closings) recorder.record(stream, event);
  return {
    recorder,
    store: opened.store,
    memory: files ?? FORGETFUL,
    past: opened.past,
    groupPast: opened.groupPast,
    presence,
    problem: () => {
      const isWanted = isPlaced(config.persistence);
      const ofStore = opened.problem ?? recorder.problem ?? presence?.problem();
      const folder = state.kind === 'unavailable' && !isWanted ? state.reason : undefined;
      if (ofStore !== undefined) {
        return {
          reason: ofStore,
          publicReason: folder ?? LOG_UNUSABLE,
          isConfigured: isWanted || state.isExplicit,
          isLost: isWanted || state.kind === 'open',
        };
      }
      const reason = memoryProblem ?? folder;
      if (reason === undefined) return undefined;
      const publicReason = folder ?? MEMORY_UNUSABLE;
      return { reason, publicReason, isConfigured: state.isExplicit, isLost: false };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(pruning);
      await Promise.all([recorder[Symbol.asyncDispose](), files?.[Symbol.asyncDispose]()]);
    },
  };
}

interface OpenedLog {
  readonly store: EventStore;
  /** The same, where it outlives the process. */
  readonly durable: DurableStore | undefined;
  /** Of the gateways that share it, where several can. */
  readonly presence: Presence | undefined;
  /** Why it is memory although another place was wanted. */
  readonly problem: string | undefined;
  readonly past: ReadonlyMap<string, Lifecycle>;
  readonly groupPast: ReadonlyMap<string, GroupHistory>;
  /** What the log has yet to be told of that past. */
  readonly closings: readonly { readonly stream: string; readonly event: DomainEvent }[];
}

async function openLog(
  { config, state, logger }: RecordsOptions,
  producedBy: string,
): Promise<OpenedLog> {
  const { eventLog, persistence } = config;
  const inMemory = (problem: string | undefined): OpenedLog => ({
    store: new MemoryEventStore({ eventsMax: MEMORY_EVENTS_MAX }),
    durable: undefined,
    presence: undefined,
    problem,
    past: new Map(),
    groupPast: new Map(),
    closings: [],
  });
  if (!eventLog.isEnabled || persistence.kind === 'memory') return inMemory(undefined);
  const stateFolder = state.kind === 'open' ? state.path : undefined;
  const place = durablePlace(persistence, stateFolder);
  if (place === undefined)
    return inMemory(state.kind === 'unavailable' ? state.reason : 'there is no state folder');
  try {
    return await openDurable(place, { producedBy, stateFolder, isShared: isPlaced(persistence) });
  } catch (error) {
    const reason = messageOf(error);
    if (isPlaced(persistence) && !eventLog.allowsMemoryFallback) throw refusal(place, error);
    logger.warn({ place: place.kind, reason }, 'event_log_in_memory');
    return inMemory(reason);
  }
}

/** What cannot be used says so now: a file that is no event log, a damaged one, a server that does not answer. */
async function openDurable(
  place: DurablePlace,
  { isShared, ...self }: Omit<PresenceOptions, 'leases'> & { readonly isShared: boolean },
): Promise<OpenedLog> {
  const store = await openStore(place);
  let presence: Presence | undefined;
  try {
    if (isShared) {
      const { announcePresence } = await import('./presence.ts');
      presence = await announcePresence({ ...self, leases: store });
    }
    const closings: { stream: string; event: DomainEvent }[] = [];
    const record: EventSink['record'] = (stream, event) => void closings.push({ stream, event });
    const past = await readPast(
      store,
      { record },
      {
        ...(presence && { isAlive: presence.isAlive }),
        // It spares the next start; without it that one reads more.
        onSnapshots: (snapshots) => void store.saveSnapshots(snapshots).catch(() => undefined),
      },
    );
    const groupPast = await readGroupPast(store);
    return { store, durable: store, presence, problem: undefined, past, groupPast, closings };
  } catch (error) {
    await presence?.[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function refusal(place: DurablePlace, cause: unknown): Fault {
  const reason = messageOf(cause);
  if (place.kind === 'sqlite') {
    const advice = 'repair it, or set event_store.allow_memory_fallback';
    return new Fault('EVENT_STORE_UNAVAILABLE', `${reason}; ${advice}`, { cause });
  }
  const fix =
    'check that PostgreSQL runs there and lets this user in, and what persistence.postgresql says; or set event_store.allow_memory_fallback';
  return new Fault('EVENT_STORE_UNAVAILABLE', reason, { cause, data: { fix } });
}

function keepBounded(
  store: DurableStore | undefined,
  keeper: SnapshotKeeper | undefined,
  { config, clock, logger }: RecordsOptions,
): NodeJS.Timeout | undefined {
  if (store === undefined || keeper === undefined) return undefined;
  const { keepMs, keepEventsMax } = config.eventLog;
  const prune = async (): Promise<void> => {
    try {
      await keeper.keepAll();
      await store.prune({ occurredBeforeMs: clock.nowMs() - keepMs, keepEventsMax });
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'event_log_not_pruned');
    }
  };
  setTimeout(() => void prune(), FIRST_PRUNE_MS).unref();
  return setInterval(() => void prune(), PRUNE_EVERY_MS).unref();
}
