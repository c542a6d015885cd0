/** A gateway in the process of a command, for as long as the command takes. */
import { join } from 'node:path';
import { valueFor } from '../application/operator/answer-question.ts';
import type { Logger, MemoryStore } from '../application/ports.ts';
import type { JsonObject } from '../domain/protocol/json-rpc.ts';
import { MemoryFiles } from '../infrastructure/state/memory-files.ts';
import type { AskOptions } from '../infrastructure/state/owner-link.ts';
import type { GatewayLine } from './ask-gateway.ts';
import { compose, type Gateway } from './compose.ts';
import { tellFailure } from './outcome.ts';
import { openRecords } from './records.ts';
import { loadStart, openGateway } from './serve-gateway.ts';
import type { Start } from './start.ts';

/** A whole gateway, at its place. @throws Fault CONFIG_INVALID, EVENT_STORE_UNAVAILABLE */
export async function openOwn(
  start: Start,
  place: Parameters<typeof openGateway>[1],
): Promise<GatewayLine> {
  const serving = await openGateway(start, place);
  // A promise that nobody waited for is a defect: what it belonged to is over, and the command goes on.
  process.on('unhandledRejection', (error) => void tellFailure(error, false));
  return lineInto(serving.gateway, () => serving.close());
}

/** Servers that nobody starts, with what was remembered of them. @throws Fault CONFIG_INVALID */
export async function openKnown(start: Start): Promise<GatewayLine> {
  const config = loadStart(start);
  const state = { kind: 'unavailable', reason: 'nothing is kept', isExplicit: false } as const;
  const clock = { nowMs: () => Date.now() };
  const eventLog = { ...config.eventLog, isEnabled: false };
  const nothing = { ...config, eventLog };
  const records = await openRecords({ config: nothing, state, clock, logger: SILENT });
  const memory = start.state.kind === 'folder' ? remembered(start.state.folder) : records.memory;
  const gateway = await compose(config, { clock, logger: SILENT, records: { ...records, memory } });
  return lineInto(gateway, async () => {
    await gateway.close();
    await records[Symbol.asyncDispose]();
  });
}

/** What is in a state folder, to be read only. */
function remembered(folder: string): MemoryStore {
  const files = new MemoryFiles({ folder: join(folder, 'catalogs'), onProblem: () => undefined });
  return { load: (spec) => files.load(spec), save: () => undefined };
}

const nothing = (): void => undefined;
const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Rejects when the signal is aborted: a server that starts is not waited for, closing the gateway ends it. */
const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const give = (): void => reject(signal.reason as Error);
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
  });

function lineInto({ hub }: Gateway, close: () => Promise<void>): GatewayLine {
  return {
    running: undefined,
    ask: (question, { signal = new AbortController().signal, onItem }: AskOptions = {}) => {
      const tell = (item: JsonObject): void => void onItem?.(item);
      const answer = valueFor(hub.useCases, question, { signal, tell });
      answer.catch(() => undefined); // nobody may wait for it any more
      return Promise.race([answer, abortOf(signal)]);
    },
    [Symbol.asyncDispose]: close,
  };
}
