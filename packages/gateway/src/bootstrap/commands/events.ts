/** `mcp-hangar events`: reads the log of a configuration, whether or not its gateway runs. */
import {
  followEvents,
  NEWEST_MAX,
  readEvents,
  type EventSelection,
} from '@mcp-hangar/eventing/follow';
import type { VerifyReport } from '@mcp-hangar/eventing/findings';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { StoredEvent } from '@mcp-hangar/kernel/event-store';
import { toolCallStream } from '../../application/recording/call-event.ts';
import { mcpServerStream } from '../../domain/mcp-server/events.ts';
import { eventJson, eventLine, parseSince } from '../../server/cli/event-text.ts';
import type { EventsFlags } from '../../server/cli/commands/events.ts';
import type { JsonFlag, PlaceFlags } from '../../server/cli/commands/group.ts';
import { interruptible } from '../interrupt.ts';
import { newStore, type DurablePlace } from '../open-store.ts';
import { SYSTEM_ERROR } from '../exit-codes.ts';
import { forStdout, print, say } from '../say.ts';
import { findLog, isThere } from './find-log.ts';

const LIMIT = 50;
const FINDINGS = 1;

/** Prints events. Answers the exit code. */
export async function events(flags: EventsFlags): Promise<number> {
  const selection = selectionOf(flags);
  const { place, name } = await findLog(flags);
  if (!isThere(place)) say(`mcp-hangar: nothing has been recorded yet (${name})`);
  return interruptible(async (interrupted) => {
    const ending = new AbortController();
    process.stdout.on('error', () => ending.abort()); // whoever read has read enough
    const signal = AbortSignal.any([interrupted, ending.signal]);
    const store = await newStore(place);
    try {
      const found =
        flags.follow === true
          ? followEvents(store, selection, { signal })
          : readEvents(store, selection);
      await printAll(found, flags.json === true ? eventJson : eventLine, signal);
      return 0;
    } finally {
      await store[Symbol.asyncDispose]();
    }
  });
}

async function printAll(
  found: AsyncIterable<StoredEvent> | Iterable<StoredEvent>,
  textOf: (event: StoredEvent) => string,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of found) {
    if (signal.aborted) break;
    if (!process.stdout.write(`${forStdout(textOf(event))}\n`)) await drained(signal);
  }
}

/** Checks the log. Answers the exit code. */
export async function eventsVerify(flags: PlaceFlags & JsonFlag): Promise<number> {
  const { place, name: path } = await findLog(flags);
  const report = await verify(place);
  const { findings } = report;
  if (flags.json === true) await print(JSON.stringify(verdictJson(path, report)));
  else if (report.exists || findings.length > 0) await print(verdictText(path, report));
  else say(`mcp-hangar: nothing has been recorded yet (${path})`);
  if (findings.length === 0) return 0;
  return findings.some(({ kind }) => kind === 'file') ? SYSTEM_ERROR : FINDINGS;
}

async function verify(place: DurablePlace): Promise<VerifyReport> {
  if (place.kind === 'sqlite') {
    const { verifyEventLog } = await import('@mcp-hangar/eventing/verify');
    return verifyEventLog(place.path);
  }
  const { verifyPostgresEventLog } = await import('@mcp-hangar/eventing/postgres-verify');
  return verifyPostgresEventLog(place);
}

/** What `--json` prints: members may be added; none is renamed or removed. */
const verdictJson = (path: string, report: VerifyReport): Readonly<Record<string, unknown>> => ({
  path,
  exists: report.exists,
  events: report.eventsCount,
  streams: report.streamsCount,
  findings: report.findings.map(({ kind, message }) => ({ kind, message })),
  cut: report.isCut,
});

function verdictText(path: string, report: VerifyReport): string {
  const { eventsCount, streamsCount, findings, isCut } = report;
  const verdict = findings.length === 0 ? 'whole' : `${findings.length} findings`;
  return [
    ...findings.map(({ kind, message }) => `${kind}: ${message}`),
    ...(isCut ? ['… and more'] : []),
    `${path}: ${eventsCount} events in ${streamsCount} streams, ${verdict}`,
  ].join('\n');
}

const wrong = (field: string, message: string): Fault =>
  new Fault('INPUT_INVALID', message, { data: { field } });

/** @throws Fault INPUT_INVALID */
function selectionOf({ server, type, since, limit }: EventsFlags): EventSelection {
  const newest = limit === undefined ? LIMIT : Number(limit);
  if (!Number.isInteger(newest) || newest < 0 || newest > NEWEST_MAX)
    throw wrong('limit', `--limit "${limit}" is no whole number from 0 to ${NEWEST_MAX}`);
  const sinceMs = since === undefined ? undefined : parseSince(since, Date.now());
  if (since !== undefined && sinceMs === undefined)
    throw wrong(
      'since',
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

const drained = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
