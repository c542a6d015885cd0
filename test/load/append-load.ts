/** Writers that append to an event log as fast as they can, and how fast that was. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { eventIds } from '@mcp-hangar/eventing/event-id';
import type { EventStore, NewEvent } from '@mcp-hangar/kernel/event-store';
import { quantile } from '../../bench/statistics.ts';

const STREAMS = 20;
const P99 = 0.99;
const NS_PER_MS = 1e6;
const newId = eventIds({ nowMs: () => Date.now() });

/** About as long as the record of a call. */
export const record = (): NewEvent => ({
  id: newId(),
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

export interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly loopP99Ms: number;
}

/** For so many milliseconds. */
export async function load(
  store: Pick<EventStore, 'append'>,
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

/** The head of the table that `show` prints. */
export function showHead(): void {
  console.log('                     events/s  p50 ms  p99 ms  loop p99 ms');
}

/** One row. */
export function show(what: string, { perSecond, p50Ms, p99Ms, loopP99Ms }: Figures): void {
  const [p50, p99, late] = [p50Ms, p99Ms, loopP99Ms].map((ms) => ms.toFixed(2).padStart(8));
  console.log(`${what.padEnd(22)}${perSecond.toFixed(0).padStart(8)}${p50}${p99}${late}`);
}
