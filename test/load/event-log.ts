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
import { parseArgs } from 'node:util';
import { SqliteEventStore } from '@mcp-hangar/eventing/sqlite-event-store';
import { verifyEventLog } from '@mcp-hangar/eventing/verify';
import { load, record, show, showHead, type Figures } from './append-load.ts';

const WRITERS = 64;
const BATCH = 256;
const LOOP_DELAY_MS_MAX = 20;
const WARM_UP_MS = 300;

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
    showHead();
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
