/** `mcp-hangar events replay`: what the events alone say of each server, beside what the gateway or the snapshots say. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ServerRow } from '../../application/operator/servers-report.ts';
import {
  fromSnapshot,
  replayServer,
  unreplayed,
  type ReplayedServer,
} from '../../application/recording/server-replay.ts';
import { mcpServerStream } from '../../domain/mcp-server/events.ts';
import type { ReplayFlags } from '../../server/cli/commands/events.ts';
import { replayText, type ReplayRow } from '../../server/cli/replay-text.ts';
import { runningGateway, type GatewayLine } from '../ask-gateway.ts';
import { interruptible, pause } from '../interrupt.ts';
import { newStore, type DurableStore } from '../open-store.ts';
import { print, say } from '../say.ts';
import { findLog, isThere } from './find-log.ts';
import { serversOf } from './operate/asked.ts';

const DIFFERS = 1;
/** What a gateway has just done takes a moment to be in the log. */
const LOOKS_MAX = 20;
const LOOK_EVERY_MS = 150;

interface Compared {
  readonly rows: readonly ReplayRow[];
  readonly isWithGateway: boolean;
}

/** Replays the log and compares. Answers the exit code. */
export async function eventsReplay(flags: ReplayFlags): Promise<number> {
  const { place, name } = await findLog(flags);
  if (!isThere(place)) {
    if (flags.json === true)
      await print(JSON.stringify({ path: name, compared: null, servers: [] }));
    else say(`mcp-hangar: nothing has been recorded yet (${name})`);
    return 0;
  }
  await using store = await newStore(place);
  return await interruptible(async (signal) => {
    const { rows, isWithGateway } = await compare(store, flags, signal);
    const compared = isWithGateway ? 'gateway' : 'snapshots';
    if (flags.json === true) await print(JSON.stringify({ path: name, compared, servers: rows }));
    else await print(replayText(rows, `the ${compared}`, process.stdout.columns));
    return rows.some(({ difference }) => difference !== null) ? DIFFERS : 0;
  });
}

async function compare(
  store: DurableStore,
  flags: ReplayFlags,
  signal: AbortSignal,
): Promise<Compared> {
  await using line = await lineOf(flags);
  for (let looks = 1; ; looks += 1) {
    const running = line === undefined ? undefined : (await serversOf(line, signal)).servers;
    const replayed = await replayAll(store, flags.server);
    const others = running === undefined ? await bySnapshots(store, replayed) : undefined;
    const rows = replayed.map((one) =>
      rowOf(one, others === undefined ? ofGateway(one, running ?? []) : others.get(one.stream)),
    );
    const isSame = rows.every(({ difference }) => difference === null);
    if (isSame || line === undefined || looks === LOOKS_MAX || signal.aborted)
      return { rows, isWithGateway: line !== undefined };
    await pause(LOOK_EVERY_MS, signal);
  }
}

async function lineOf(flags: ReplayFlags): Promise<GatewayLine | undefined> {
  try {
    return await runningGateway(flags);
  } catch (error) {
    // Without a gateway, or a folder in which it would be, there is nobody to ask.
    if (error instanceof Fault && NOBODY_RUNS.has(error.code)) return undefined;
    throw error;
  }
}

const NOBODY_RUNS: ReadonlySet<string> = new Set(['GATEWAY_NOT_RUNNING', 'STATE_UNAVAILABLE']);

/** From the first event that is kept. */
interface FromEvents extends ReplayedServer {
  readonly isPruned: boolean;
}

async function replayAll(
  store: DurableStore,
  server: string | undefined,
): Promise<readonly FromEvents[]> {
  const prefix = mcpServerStream('');
  const streams = (await store.streams(prefix)).filter(
    ({ stream }) => server === undefined || stream === mcpServerStream(server),
  );
  if (streams.length === 0 && server !== undefined)
    throw new Fault('INPUT_INVALID', `no event of MCP server "${server}" is stored`, {
      data: { field: 'server' },
    });
  const replayed: FromEvents[] = [];
  for (const { stream } of streams) {
    const [first] = await store.read(stream, 1, 1);
    const isPruned = first !== undefined && first.version > 1;
    const begun = isPruned ? await snapshotBefore(store, stream) : undefined;
    replayed.push({ ...(await replayServer(store, begun ?? unreplayed(stream))), isPruned });
  }
  return replayed;
}

async function snapshotBefore(
  store: DurableStore,
  stream: string,
): Promise<ReplayedServer | undefined> {
  const snapshot = (await store.snapshots(stream)).find((one) => one.stream === stream);
  return snapshot && fromSnapshot(snapshot);
}

type Said = Pick<ReplayRow, 'state' | 'consecutive_failures'>;

/** What a start would come to. */
async function bySnapshots(
  store: DurableStore,
  replayed: readonly ReplayedServer[],
): Promise<ReadonlyMap<string, Said>> {
  const said = new Map<string, Said>();
  for (const { stream } of replayed) {
    const begun = await snapshotBefore(store, stream);
    if (begun !== undefined) said.set(stream, saidBy(await replayServer(store, begun)));
  }
  return said;
}

const saidBy = ({ state }: ReplayedServer): Said => ({
  state: state.phase,
  consecutive_failures: state.failures,
});

function ofGateway({ stream }: ReplayedServer, rows: readonly ServerRow[]): Said | undefined {
  const row = rows.find(({ id }) => mcpServerStream(id) === stream);
  // One that is switched off has no state.
  return row?.enabled === true ? row : undefined;
}

function rowOf(replayed: FromEvents, other: Said | undefined): ReplayRow {
  const { stream, state, eventsCount, version, isPruned } = replayed;
  const said = saidBy(replayed);
  const isSame =
    other === undefined ||
    (other.state === said.state && other.consecutive_failures === said.consecutive_failures);
  return {
    id: stream.slice(mcpServerStream('').length),
    ...said,
    last_error: state.lastFailure ?? null,
    events: eventsCount,
    version,
    is_pruned: isPruned,
    difference: isSame ? null : `${other.state}, ${other.consecutive_failures} failures`,
  };
}
