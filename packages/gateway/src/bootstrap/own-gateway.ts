/** A gateway in the process of a command, where none runs: for as long as the command takes. */
import { join } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { valueFor } from '../application/operator/answer-question.ts';
import type { Logger, MemoryStore } from '../application/ports.ts';
import { MemoryFiles } from '../infrastructure/state/memory-files.ts';
import type { AskOptions } from '../infrastructure/state/owner-link.ts';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { callOwnerOf, SocketLine, type GatewayLine } from './ask-gateway.ts';
import { compose, type Gateway } from './compose.ts';
import { findConfigText } from './find-config.ts';
import { tellFailure } from './outcome.ts';
import { openRecords } from './records.ts';
import { loadStart, openGateway } from './serve-gateway.ts';
import { chooseState, seekPlace, type Start } from './start.ts';

/**
 * The gateway that runs for the configuration, or one in this process that owns the state folder like every other:
 * clients that come meanwhile are served, and find another one when it ends.
 * @throws Fault CONFIG_INVALID and whatever keeps a gateway from being opened
 */
export async function anyGateway(flags: PlaceFlags): Promise<GatewayLine> {
  const start = await startOf(flags);
  const place = await seekPlace(start.state, 'query');
  if (place.kind === 'guest') {
    return new SocketLine(place.socket, place.facts, async () => {
      const found = await callOwnerOf(flags, start.config);
      if (found.kind === 'linked') return found.socket;
      throw new Fault('GATEWAY_ENDED', 'the gateway that was asked has ended');
    });
  }
  const { gateway, close } = await openGateway(start, place);
  // A promise that nobody waited for is a defect of ours; it is told without its stack, and the command goes on.
  process.on('unhandledRejection', (error) => void tellFailure(error, false));
  return lineInto(gateway, close);
}

/** What is known of the servers without a gateway: their configuration, and what was remembered. Nothing is started. */
export async function knownServers(flags: PlaceFlags): Promise<GatewayLine> {
  const start = await startOf(flags);
  const config = loadStart(start);
  const state = { kind: 'unavailable', reason: 'nothing is kept', isExplicit: false } as const;
  const clock = { nowMs: () => Date.now() };
  const eventLog = { ...config.eventLog, isEnabled: false };
  const records = await openRecords({ config: { eventLog }, state, clock, logger: SILENT });
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

function lineInto({ hub }: Gateway, close: () => Promise<void>): GatewayLine {
  return {
    running: undefined,
    ask: (question, { signal, onItem }: AskOptions = {}) =>
      valueFor(hub.useCases, question, {
        signal: signal ?? new AbortController().signal,
        tell: (item) => void onItem?.(item),
      }),
    [Symbol.asyncDispose]: close,
  };
}

async function startOf(flags: PlaceFlags): Promise<Start> {
  const config = await findConfigText(flags.config);
  return {
    flags: { ...flags, logLevel: 'error' },
    config,
    state: chooseState(flags, config),
    isQuiet: true,
  };
}
