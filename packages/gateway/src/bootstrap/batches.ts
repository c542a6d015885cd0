/** What batches of calls are built with: where their long results are kept, and the log of what became of them. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BATCH_STREAM } from '../application/batch/batch-log.ts';
import type { BatchParts } from '../application/batch/batch-parts.ts';
import type { Logger } from '../application/ports.ts';
import { ContinuationFiles } from '../infrastructure/continuations/continuation-files.ts';
import type { StateFolder } from '../infrastructure/state/state-folder.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import type { Records } from './records.ts';

/** Where batches are built. */
interface Around {
  readonly state: StateFolder;
  readonly logger: Logger;
  readonly records: Records;
}

/** Disposing of it removes every text that is kept. */
export function openBatches(
  { truncation, limits, eventLog }: GatewayConfig,
  { state, logger, records }: Around,
): BatchParts & AsyncDisposable {
  const continuations = new ContinuationFiles({
    ...truncation,
    folder: state.kind === 'open' ? join(state.path, 'continuations') : undefined,
    temporaryFolder: tmpdir(),
    onProblem: (reason) => logger.warn({ reason }, 'continuations_not_on_disk'),
  });
  return {
    continuations,
    truncation,
    clientBytesMax: limits.clientBufferBytesMax,
    record: eventLog.isEnabled
      ? (event) => records.recorder.recordActivity(BATCH_STREAM, event)
      : () => undefined,
    [Symbol.asyncDispose]: () => continuations[Symbol.asyncDispose](),
  };
}
