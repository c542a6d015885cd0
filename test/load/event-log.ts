/**
 * Acceptance 6: `node test/load/event-log.ts --seconds 5`.
 *
 * 64 writers append one event each, again and again, to a log in a file; then one writer appends batches of 256.
 * The targets are for the first: 20,000 appends a second, and an event loop that is never late by more than 20 ms
 * (p99). Last: what the idle and the busy worker cost in memory. Exit code 1 where a target is missed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { eventId } from '@mcp-hangar/eventing/event-id';
import { SqliteEventStore } from '@mcp-hangar/eventing/sqlite-event-store';
import { verifyEventLog } from '@mcp-hangar/eventing/verify';
import type { NewEvent } from '@mcp-hangar/kernel/event-store';
import { quantile } from '../../bench/statistics.ts';

const WRITERS = 64;
const STREAMS = 20;
const BATCH = 256;
const P99 = 0.99;
const LOOP_DELAY_MS_MAX = 20;
const WARM_UP_MS = 300;
const NS_PER_MS = 1e6;

/** About as long as the record of a call. */
const record = (): NewEvent => ({
  id: eventId(Date.now()),
  type: 'ToolCallSettled',
  schemaVersion: 1,
  occurredAtMs: Date.now(),
  producedBy: 'load-1f3a',
  data: {
    server: 'filesystem',
    tool: 'read_text_file',
    outcome: 'ok',
    durationMs: 12.25,
    argumentsDigest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    session: '5f0c2a43-6d0f-4e37-9d0c-1a2b3c4d5e6f',
    client: { name: 'load', version: '1.0.0' },
  },
});

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly loopP99Ms: number;
}

async function load(
  store: SqliteEventStore,
  { writers, batch, ms }: { readonly writers: number; readonly batch: number; readonly ms: number },
): Promise<Figures> {
  const latencies: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const startedMs = performance.now();
  const endMs = startedMs + ms;
  loop.enable();
  const write = async (writer: number): Promise<void> => {
    for (let n = writer; performance.now() < endMs; n += 1) {
      const stream = `mcp_server:${n % STREAMS}`;
      const events = Array.from({ length: batch }, record);
      const beganMs = performance.now();
      await store.append({ stream, expected: 'any', events });
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  loop.disable();
  return {
    perSecond: (latencies.length * batch) / ((performance.now() - startedMs) / 1_000),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, P99),
    loopP99Ms: loop.percentile(P99 * 100) / NS_PER_MS,
  };
}

function show(what: string, { perSecond, p50Ms, p99Ms, loopP99Ms }: Figures): void {
  const [p50, p99, late] = [p50Ms, p99Ms, loopP99Ms].map((ms) => ms.toFixed(2).padStart(8));
  console.log(`${what.padEnd(22)}${perSecond.toFixed(0).padStart(8)}${p50}${p99}${late}`);
}

/** Anonymous memory that is resident; undefined where there is no /proc. */
function anonymousMib(): number | undefined {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
  } catch {
    return undefined;
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    /** A short run on a busy machine only shows what is badly wrong. */
    min: { type: 'string', default: '20000' },
    late: { type: 'string', default: String(LOOP_DELAY_MS_MAX) },
  },
});
const ms = Number(values.seconds) * 1_000;
const folder = mkdtempSync(join(tmpdir(), 'hangar-event-log-'));
const path = join(folder, 'events.db');
try {
  const before = anonymousMib();
  let singles: Figures;
  {
    await using store = new SqliteEventStore({ path });
    await store.append({ stream: 'first', expected: 'none', events: [record()] });
    const idle = anonymousMib();
    await load(store, { writers: WRITERS, batch: 1, ms: WARM_UP_MS });
    console.log('                     events/s  p50 ms  p99 ms  loop p99 ms');
    singles = await load(store, { writers: WRITERS, batch: 1, ms });
    show(`${WRITERS} writers, 1 event`, singles);
    show('1 writer, 1 event', await load(store, { writers: 1, batch: 1, ms: ms / 2 }));
    show(`1 writer, ${BATCH} events`, await load(store, { writers: 1, batch: BATCH, ms: ms / 2 }));
    const busy = anonymousMib();
    const mib = [before, idle, busy].map((figure) => figure?.toFixed(1) ?? '?');
    console.log(
      `anonymous MiB: ${mib[0]} before, ${mib[1]} after one append, ${mib[2]} at the end`,
    );
  }
  const { eventsCount, findings } = verifyEventLog(path);
  console.log(`${eventsCount} events, ${findings.length} findings`);
  const missed = [
    ...(singles.perSecond < Number(values.min) ? [`under ${values.min} events a second`] : []),
    ...(singles.loopP99Ms > Number(values.late) ? [`loop late by over ${values.late} ms`] : []),
    ...(findings.length > 0 ? ['the log is not whole'] : []),
  ];
  for (const what of missed) console.log(`FAILED: ${what}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
