/**
 * `node test/load/sustained.ts --rate 10000 --seconds 60 --backend sqlite` (or `postgresql`): calls that settle at that
 * rate go through the recorder of the gateway into a real store, in the process whose event loop is measured.
 *
 * It holds where every call is recorded, the backlog does not grow, and the loop is late by at most 20 ms (p99). Where it
 * does not, lower rates are tried for shorter times, and the last line says which one holds. Exit code 1 then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { eventIds } from '@mcp-hangar/eventing/event-id';
import { verifyPostgresEventLog } from '@mcp-hangar/eventing/postgres-verify';
import { verifyEventLog } from '@mcp-hangar/eventing/verify';
import { quantile } from '../../bench/statistics.ts';
import { PostgresCluster } from '../../packages/eventing/test-kit/postgres-cluster.ts';
import type { SettledCall } from '../../packages/gateway/src/application/recording/call-event.ts';
import { EventRecorder } from '../../packages/gateway/src/application/recording/event-recorder.ts';
import { newStore, type DurablePlace } from '../../packages/gateway/src/bootstrap/open-store.ts';

const LOOP_DELAY_MS_MAX = 20;
const SERVERS = 20;
/** As `event_store.call_log_queue_max` unless set. */
const CALLS_MAX = 10_000;
const SAMPLE_MS = 100;
const LOWER = 0.8;
const RATE_MIN = 500;
const SEARCH_SHARE = 6;
const NS_PER_MS = 1e6;
/** Share of the wanted rate that a machine has to reach for the rest to mean anything. */
const REACHED_MIN = 0.99;

interface Figures {
  readonly perSecond: number;
  readonly recorded: number;
  readonly lost: number;
  readonly backlogs: readonly number[];
  readonly loopP99Ms: number;
}

const callOf = (n: number): SettledCall => ({
  mcpServerId: `server-${n % SERVERS}`,
  toolName: 'read_text_file',
  arguments: { path: `/home/you/documents/report-${n}.txt`, head: n % 100 },
  requestChars: 160,
  caller: `session-${n % 50}`,
  clientName: 'load',
  meta: undefined,
  ending: { outcome: 'answered', error: undefined, bytes: 1_024, durationMs: 12.25 },
});

async function run(place: DurablePlace, rate: number, seconds: number): Promise<Figures> {
  const store = await newStore(place);
  let recorded = 0;
  const recorder = new EventRecorder({
    store,
    clock: { nowMs: () => Date.now() },
    logger: { debug: warn, info: warn, warn, error: warn },
    producedBy: 'load-1f3a',
    newId: eventIds({ nowMs: () => Date.now() }),
    callsMax: CALLS_MAX,
    onStored: (stream, count) => {
      if (stream !== 'tool_calls') recorded += count;
    },
  });
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const backlogs: number[] = [];
  const beganMs = performance.now();
  let made = 0;
  const sampling = setInterval(() => backlogs.push(made - recorded), SAMPLE_MS);
  loop.enable();
  for (let elapsedMs = 0; elapsedMs < seconds * 1_000; elapsedMs = performance.now() - beganMs) {
    for (const due = Math.floor((elapsedMs * rate) / 1_000); made < due; made += 1)
      recorder.callSettled(callOf(made));
    await delay(1);
  }
  loop.disable();
  clearInterval(sampling);
  const perSecond = (made / (performance.now() - beganMs)) * 1_000;
  await recorder[Symbol.asyncDispose]();
  const loopP99Ms = loop.percentile(99) / NS_PER_MS;
  return { perSecond, recorded, lost: made - recorded, backlogs, loopP99Ms };
}

const warn = (fields: unknown, event: string): void => {
  console.log(event, JSON.stringify(fields));
};

const medianOf = (values: readonly number[]): number => quantile(values, 0.5);

/** What is missed; nothing where it holds. */
function missedBy(figures: Figures, rate: number, loopMsMax: number): readonly string[] {
  const { perSecond, lost, backlogs, loopP99Ms } = figures;
  const third = Math.ceil(backlogs.length / 3);
  const [before, after] = [medianOf(backlogs.slice(0, third)), medianOf(backlogs.slice(-third))];
  return [
    ...(perSecond < rate * REACHED_MIN ? [`only ${perSecond.toFixed(0)} calls/s were made`] : []),
    ...(lost > 0 ? [`${lost} calls were not recorded`] : []),
    // What is made within a tenth of a second is noise.
    ...(after > 2 * before + rate / 10 ? [`the backlog grew from ${before} to ${after}`] : []),
    ...(loopP99Ms > loopMsMax ? [`the loop was late by ${loopP99Ms.toFixed(1)} ms (p99)`] : []),
  ];
}

function show(rate: number, seconds: number, figures: Figures): void {
  const { perSecond, lost, backlogs, loopP99Ms } = figures;
  const cells = [
    rate,
    seconds,
    perSecond.toFixed(0),
    medianOf(backlogs),
    Math.max(...backlogs),
    lost,
    loopP99Ms.toFixed(2),
  ];
  console.log(cells.map((cell) => String(cell).padStart(12)).join(''));
}

const HEAD = ['wanted/s', 'seconds', 'made/s', 'backlog p50', 'backlog max', 'lost', 'loop p99 ms'];

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    backend: { type: 'string', default: 'sqlite' },
    /** Milliseconds. A short run on a busy machine only shows what is badly wrong. */
    late: { type: 'string', default: String(LOOP_DELAY_MS_MAX) },
  },
});

/** Answers the rate that holds. */
async function measure(newPlace: () => Promise<DurablePlace>): Promise<number> {
  console.log(HEAD.map((cell) => cell.padStart(12)).join(''));
  let [rate, seconds] = [Number(values.rate), Number(values.seconds)];
  for (;;) {
    const place = await newPlace();
    const figures = await run(place, rate, seconds);
    show(rate, seconds, figures);
    const missed = missedBy(figures, rate, Number(values.late));
    await checkWhole(place, figures.recorded);
    for (const what of missed) console.log(`  ${what}`);
    if (missed.length === 0 || rate < RATE_MIN) return missed.length === 0 ? rate : 0;
    seconds = Math.max(1, Math.round(Number(values.seconds) / SEARCH_SHARE));
    rate = Math.floor(rate * LOWER);
  }
}

/** @throws Error where the log is not whole, or has fewer events than were said to be stored */
async function checkWhole(place: DurablePlace, recorded: number): Promise<void> {
  const { eventsCount, findings } =
    place.kind === 'sqlite' ? verifyEventLog(place.path) : await verifyPostgresEventLog(place);
  if (findings.length === 0 && eventsCount >= recorded) return;
  throw new Error(`${eventsCount} of ${recorded} events are stored: ${JSON.stringify(findings)}`);
}

const folder = mkdtempSync(join(tmpdir(), 'hangar-sustained-'));
try {
  const isPostgres = values.backend === 'postgresql';
  await using cluster = isPostgres ? await PostgresCluster.start() : undefined;
  const newPlace = async (): Promise<DurablePlace> => {
    if (cluster === undefined)
      return { kind: 'sqlite', path: join(mkdtempSync(join(folder, 'log-')), 'events.db') };
    const url = await cluster.createDatabase();
    return { kind: 'postgresql', url, schema: 'hangar', connectionsMax: 4 };
  };
  const rate = await measure(newPlace);
  const isReached = rate === Number(values.rate);
  console.log(
    `${isReached ? 'HOLDS' : 'LIMIT'}: ${rate} calls/s are recorded on ${values.backend} without a growing backlog`,
  );
  process.exitCode = isReached ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
