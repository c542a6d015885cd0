/** The program that embeds the gateway, as the one for whom commands and queries are run. */
import { randomUUID } from 'node:crypto';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import type { Logger } from '../../application/ports.ts';
import { NOBODY } from '../../application/servers/child.ts';
import { settlesWithin } from '../../application/settles-within.ts';
import type { UseCaseContext } from '../../application/use-case.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import type { InvokeOptions, Progress } from './api.ts';
import { HangarError } from './hangar-error.ts';

/** The program is one client, whose servers' children are told that it can be asked nothing. */
const PROGRAM = {
  era: 'legacy',
  owner: 'program',
  capabilities: NO_CAPABILITIES,
  wantsLogs: false,
  isOneClient: true,
} as const;

interface Asking {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onProgress: InvokeOptions['onProgress'];
}

/** What a command or query is told of the program. */
export function contextOf({ signal, logger, onProgress }: Asking): UseCaseContext {
  // It is called from where answers are read: what it throws must not end there.
  const tell = (progress: Progress): void => {
    try {
      onProgress?.(progress);
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'progress_listener_failed');
    }
  };
  return {
    principal: PROGRAM.owner,
    correlationId: randomUUID(),
    signal,
    progress: (stage, message) => tell({ stage, message }),
    serverProgress: ({ progress, total, message }) =>
      tell({
        stage: 'executing',
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      }),
    caller: {
      user: { asker: PROGRAM, owner: NOBODY, clientInfo: undefined },
      // Without a token a server reports nothing; its value is replaced on the way.
      params: onProgress === undefined ? {} : { _meta: { progressToken: 0 } },
      carry: () => undefined,
    },
  };
}

/** What the program itself waits for. */
export class ProgramCalls {
  readonly #calls = new SlotMap<Promise<unknown>>();
  readonly #cut = new AbortController();

  /** Aborted where the gateway ends and a call does not. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  async wait<T>(call: Promise<T>): Promise<T> {
    const key = this.#calls.insert(call);
    try {
      return await call;
    } finally {
      void this.#calls.remove(key);
    }
  }

  /** Gives them that long, then gives them up. */
  async drain(graceMs: number): Promise<void> {
    if (!(await settlesWithin(Promise.allSettled(this.#calls), graceMs))) this.#cut.abort();
  }
}

/** Rejects at once when nobody waits any more, also where the work itself goes on. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Fault('UPSTREAM_ENDED', 'the call was given up'));
    signal.addEventListener('abort', giveUp, { once: true });
    const over = (): void => signal.removeEventListener('abort', giveUp);
    work.then(resolve, reject).then(over, over);
  });
}

/** Arguments that can be sent: those that JSON can say. @throws HangarError INPUT_INVALID */
export function checkSendable(args: unknown): void {
  try {
    JSON.stringify(args);
  } catch (error) {
    const detail = `the arguments are no JSON: ${firstLine(messageOf(error))}`;
    throw new HangarError('INPUT_INVALID', detail, { data: { field: 'arguments' } });
  }
}

const firstLine = (text: string): string => text.split('\n', 1).join('');

/** A logger of somebody else: what it throws must not end in the gateway, which logs from everywhere. */
export function harmless(logger: Logger): Logger {
  const call =
    (level: keyof Logger): Logger['info'] =>
    (fields, message) => {
      try {
        logger[level](fields, message);
      } catch {
        // It cannot be told to anybody: the logger is who would be told.
      }
    };
  return { debug: call('debug'), info: call('info'), warn: call('warn'), error: call('error') };
}
