/** What the gateway keeps over restarts: the event log and the memory of its servers. Without a folder, in memory. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { eventId } from '@mcp-hangar/eventing/event-id';
import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import type { SqliteEventStore } from '@mcp-hangar/eventing/sqlite-event-store';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import type { Clock, DomainEvent, Logger, MemoryStore } from '../application/ports.ts';
import { readGroupPast } from '../application/groups/group-past.ts';
import { EventRecorder } from '../application/recording/event-recorder.ts';
import { readPast } from '../application/recording/past.ts';
import type { GroupHistory } from '../domain/group/history.ts';
import type { Lifecycle } from '../domain/mcp-server/lifecycle.ts';
import { FORGETFUL, MemoryFiles } from '../infrastructure/state/memory-files.ts';
import type { StateFolder } from '../infrastructure/state/state-folder.ts';
import type { GatewayConfig } from './config/gateway-config.ts';

/** Events that a gateway without a file remembers. */
const MEMORY_EVENTS_MAX = 10_000;
const PRUNE_EVERY_MS = 3_600_000;
/** Not while clients wait for their first answers. */
const FIRST_PRUNE_MS = 60_000;

export interface Records extends AsyncDisposable {
  readonly recorder: EventRecorder;
  readonly store: EventStore;
  readonly memory: MemoryStore;
  readonly past: ReadonlyMap<string, Lifecycle>;
  readonly groupPast: ReadonlyMap<string, GroupHistory>;
  /** What of it does not last, and whether the operator had asked that it does; undefined where all is well. */
  readonly problem: () => RecordsProblem | undefined;
}

export interface RecordsProblem {
  readonly reason: string;
  /** The operator configured a place: being without it makes the gateway not ready. */
  readonly isConfigured: boolean;
}

export interface RecordsOptions {
  readonly config: Pick<GatewayConfig, 'eventLog'>;
  readonly state: StateFolder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws Fault EVENT_STORE_UNAVAILABLE where a configured log cannot be used and may not be replaced by memory */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  const { config, state, clock, logger } = options;
  const { eventLog } = config;
  const opened = await openStore(options);
  const recorder = new EventRecorder({
    store: opened.store,
    clock,
    logger,
    producedBy: `${hostname()}-${randomBytes(4).toString('hex')}`,
    newId: () => eventId(clock.nowMs()),
    callsMax: eventLog.callsMax,
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
  const pruning = keepBounded(opened.sqlite, options);
  for (const { stream, event } of opened.closings) recorder.record(stream, event);
  return {
    recorder,
    store: opened.store,
    memory: files ?? FORGETFUL,
    past: opened.past,
    groupPast: opened.groupPast,
    problem: () => {
      const folder = state.kind === 'unavailable' ? state.reason : undefined;
      const reason = opened.problem ?? recorder.problem ?? memoryProblem ?? folder;
      const isConfigured = eventLog.path !== undefined || state.isExplicit;
      return reason === undefined ? undefined : { reason, isConfigured };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(pruning);
      await Promise.all([recorder[Symbol.asyncDispose](), files?.[Symbol.asyncDispose]()]);
    },
  };
}

interface OpenedStore {
  readonly store: EventStore;
  /** The same, where it is a file. */
  readonly sqlite: SqliteEventStore | undefined;
  /** Why it is memory although a file was wanted. */
  readonly problem: string | undefined;
  readonly past: ReadonlyMap<string, Lifecycle>;
  readonly groupPast: ReadonlyMap<string, GroupHistory>;
  /** What the log has yet to be told of that past. */
  readonly closings: readonly { readonly stream: string; readonly event: DomainEvent }[];
}

async function openStore({ config, state, logger }: RecordsOptions): Promise<OpenedStore> {
  const { eventLog } = config;
  const inMemory = (problem: string | undefined): OpenedStore => ({
    store: new MemoryEventStore({ eventsMax: MEMORY_EVENTS_MAX }),
    sqlite: undefined,
    problem,
    past: new Map(),
    groupPast: new Map(),
    closings: [],
  });
  if (!eventLog.isEnabled || eventLog.driver === 'memory') return inMemory(undefined);
  const path = eventLog.path ?? (state.kind === 'open' ? join(state.path, 'events.db') : undefined);
  if (path === undefined)
    return inMemory(state.kind === 'unavailable' ? state.reason : 'there is no state folder');
  const { SqliteEventStore } = await import('@mcp-hangar/eventing/sqlite-event-store');
  const store = new SqliteEventStore({ path });
  try {
    const closings: { stream: string; event: DomainEvent }[] = [];
    // A file that is no event log, or a damaged one, says so now.
    const past = await readPast(store, {
      record: (stream, event) => void closings.push({ stream, event }),
    });
    const groupPast = await readGroupPast(store);
    return { store, sqlite: store, problem: undefined, past, groupPast, closings };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    const reason = messageOf(error);
    if (eventLog.path !== undefined && !eventLog.allowsMemoryFallback) {
      const advice = 'repair it, or set event_store.allow_memory_fallback';
      throw new Fault('EVENT_STORE_UNAVAILABLE', `${reason}; ${advice}`, { cause: error });
    }
    logger.warn({ path, reason }, 'event_log_in_memory');
    return inMemory(reason);
  }
}

function keepBounded(
  store: SqliteEventStore | undefined,
  { config, clock, logger }: RecordsOptions,
): NodeJS.Timeout | undefined {
  if (store === undefined) return undefined;
  const { keepMs, keepEventsMax } = config.eventLog;
  const prune = (): void => {
    store
      .prune({ occurredBeforeMs: clock.nowMs() - keepMs, keepEventsMax })
      .catch((error: unknown) => {
        const reason = messageOf(error);
        logger.warn({ reason }, 'event_log_not_pruned');
      });
  };
  setTimeout(prune, FIRST_PRUNE_MS).unref();
  return setInterval(prune, PRUNE_EVERY_MS).unref();
}
