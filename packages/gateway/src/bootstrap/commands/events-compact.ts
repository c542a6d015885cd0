/** `mcp-hangar events compact`: lets go what the configuration does not keep, whether or not its gateway runs. */
import { SnapshotKeeper } from '../../application/recording/snapshot-keeper.ts';
import type { CompactFlags } from '../../server/cli/commands/events.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { newStore, type DurableStore } from '../open-store.ts';
import { print, say } from '../say.ts';
import { findLog, isThere } from './find-log.ts';

const DAY_MS = 86_400_000;
const PROGRESS_EVERY_MS = 500;

/** Removes old events, or only says how many would go. Answers the exit code. */
export async function eventsCompact(flags: CompactFlags): Promise<number> {
  const { place, name, config } = await findLog(flags);
  const { keepMs, keepEventsMax } = config.eventLog;
  const limits = { occurredBeforeMs: Date.now() - keepMs, keepEventsMax };
  const isDry = flags.dryRun === true;
  const found = { prunableCount: 0, eventsCount: 0 };
  let removed = 0;
  if (isThere(place)) {
    await using store = await newStore(place);
    Object.assign(found, await store.prunable(limits));
    removed = isDry ? found.prunableCount : await compact(store, limits, found.prunableCount);
  } else if (flags.json !== true) say(`mcp-hangar: nothing has been recorded yet (${name})`);
  const kept = found.eventsCount - removed;
  if (flags.json === true)
    await print(
      JSON.stringify({
        path: name,
        dry_run: isDry,
        removed,
        kept,
        keep_days: keepMs / DAY_MS,
        keep_events_max: keepEventsMax,
      }),
    );
  else await print(`${name}: ${text(isDry, removed, kept, config)}`);
  return 0;
}

/** What old events say of servers is kept before they go. */
async function compact(
  store: DurableStore,
  limits: Parameters<DurableStore['prune']>[0],
  expected: number,
): Promise<number> {
  await new SnapshotKeeper(store).keepAll();
  let toldMs = performance.now();
  return store.prune(limits, (deletedCount) => {
    if (!process.stderr.isTTY || performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    say(`mcp-hangar: ${deletedCount} of ${expected} events removed`);
  });
}

function text(
  isDry: boolean,
  removed: number,
  kept: number,
  { eventLog: { keepMs, keepEventsMax } }: GatewayConfig,
): string {
  const done = isDry ? `${removed} events would go` : `${removed} events removed`;
  return `${done}, ${kept} kept (of ${keepMs / DAY_MS} days, at most ${keepEventsMax})`;
}
