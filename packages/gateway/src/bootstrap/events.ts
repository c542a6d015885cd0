/** `mcp-hangar events`: reads the log of a configuration, whether or not its gateway runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  followEvents,
  NEWEST_MAX,
  readEvents,
  type EventSelection,
} from '@mcp-hangar/eventing/follow';
import { SqliteEventStore } from '@mcp-hangar/eventing/sqlite-event-store';
import { verifyEventLog } from '@mcp-hangar/eventing/verify';
import { Fault } from '@mcp-hangar/kernel/errors';
import { toolCallStream } from '../application/recording/call-event.ts';
import { mcpServerStream } from '../domain/mcp-server/events.ts';
import { eventJson, eventLine, parseSince } from '../server/cli/event-text.ts';
import type { EventsFlags, PlaceFlags } from '../server/cli/program.ts';
import { loadGatewayConfig } from './config/load-config.ts';
import { readConfigText } from './config/read-config-text.ts';
import { findConfig } from './find-config.ts';
import { reportProblems, say, SYSTEM_ERROR, USER_ERROR } from './say.ts';
import { chooseState } from './start.ts';

const LIMIT = 50;
const FINDINGS = 1;

type Coded = { readonly code: number };

/** Prints events. Answers the exit code. */
export async function events(flags: EventsFlags): Promise<number> {
  const selection = selectionOf(flags);
  if ('code' in selection) return selection.code;
  const log = await findLog(flags);
  if ('code' in log) return log.code;
  const { path } = log;
  if (!existsSync(path)) say(`mcp-hangar: nothing has been recorded yet (${path})`);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.stdout.on('error', end); // whoever read has read enough
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  const store = new SqliteEventStore({ path });
  try {
    const found =
      flags.follow === true
        ? followEvents(store, selection, { signal: ending.signal })
        : readEvents(store, selection);
    const print = flags.json === true ? eventJson : eventLine;
    for await (const event of found) {
      if (ending.signal.aborted) break;
      if (!process.stdout.write(`${print(event)}\n`)) await drained(ending.signal);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say(`mcp-hangar: ${error.message}`);
    return SYSTEM_ERROR;
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

/** Checks the log. Answers the exit code. */
export async function eventsVerify(flags: PlaceFlags): Promise<number> {
  const log = await findLog(flags);
  if ('code' in log) return log.code;
  const report = verifyEventLog(log.path);
  if (!report.exists) {
    say(`mcp-hangar: nothing has been recorded yet (${log.path})`);
    return 0;
  }
  for (const { kind, message } of report.findings) process.stdout.write(`${kind}: ${message}\n`);
  if (report.isCut) process.stdout.write('… and more\n');
  const { eventsCount, streamsCount, findings } = report;
  const verdict = findings.length === 0 ? 'whole' : `${findings.length} findings`;
  process.stdout.write(
    `${log.path}: ${eventsCount} events in ${streamsCount} streams, ${verdict}\n`,
  );
  if (findings.length === 0) return 0;
  return findings.some(({ kind }) => kind === 'file') ? SYSTEM_ERROR : FINDINGS;
}

const wrong = (message: string): Coded => {
  say(`mcp-hangar: ${message}`);
  return { code: USER_ERROR };
};

function selectionOf({ server, type, since, limit }: EventsFlags): EventSelection | Coded {
  const newest = limit === undefined ? LIMIT : Number(limit);
  if (!Number.isInteger(newest) || newest < 0 || newest > NEWEST_MAX)
    return wrong(`--limit "${limit}" is no whole number from 0 to ${NEWEST_MAX}`);
  const sinceMs = since === undefined ? undefined : parseSince(since, Date.now());
  if (since !== undefined && sinceMs === undefined)
    return wrong(
      `--since "${since}" is neither a time like 90s, 10m, 2h, 3d nor a date like 2026-11-21T08:00`,
    );
  return {
    newest,
    ...(type === undefined ? {} : { types: type.split(',').map((name) => name.trim()) }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(server === undefined ? {} : { matches: ofServer(server) }),
  };
}

function ofServer(id: string): NonNullable<EventSelection['matches']> {
  const streams = new Set([mcpServerStream(id), toolCallStream(id)]);
  return ({ stream, data }) => streams.has(stream) || data['mcp_server_id'] === id;
}

/** Where the log of the configuration is kept. */
async function findLog(flags: PlaceFlags): Promise<{ readonly path: string } | Coded> {
  const located = findConfig(flags.config);
  if ('code' in located) return located;
  const { path } = located;
  const text = path === undefined ? undefined : await readConfigText(path);
  if (text?.ok === false) return { code: reportProblems([text.error]) };
  const loaded = loadGatewayConfig({ path, text: text?.value, env: process.env });
  if (!loaded.ok) return { code: reportProblems(loaded.error) };
  const { eventLog } = loaded.value;
  if (!eventLog.isEnabled || eventLog.driver === 'memory')
    return wrong('this configuration keeps no event log on disk (event_store)');
  if (eventLog.path !== undefined) return { path: eventLog.path };
  const state = chooseState(flags, { ...located, text: text?.value });
  return state.kind === 'folder'
    ? { path: join(state.folder, 'events.db') }
    : wrong(`there is no state folder: ${state.reason}`);
}

const drained = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
