import { Fault } from '@mcp-hangar/kernel/errors';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  readBatch,
  type BatchCall,
  type BatchProblem,
  type BatchRequest,
} from '../../domain/batch/batch-request.ts';
import { runBatch, type BatchReport } from '../batch/run-batch.ts';
import { defineCommand, type UseCaseDeps } from '../use-case.ts';
import { findCallable } from '../server-facts.ts';

export type BatchOutcome =
  | { readonly kind: 'done'; readonly request: BatchRequest; readonly report: BatchReport }
  /** Nothing of it was tried. */
  | {
      readonly kind: 'invalid';
      readonly batchId: string;
      readonly problems: readonly BatchProblem[];
    };

export const invokeBatch = defineCommand({
  name: 'invoke_batch',
  input: () => z.record(z.string(), z.unknown()),
  permission: 'tool:invoke',
  summary:
    'Call one tool or up to 100, several at a time, and answer their results in the order of the calls; what fails is told beside what succeeded.',
  async run(deps, input, context): Promise<BatchOutcome> {
    const read = readBatch(input);
    const problems = read.ok ? unknownServers(deps, read.value.calls) : read.error;
    if (!read.ok || problems.length > 0)
      return { kind: 'invalid', batchId: randomUUID(), problems };
    const report = await runBatch(deps, read.value, context);
    return { kind: 'done', request: read.value, report };
  },
});

/** A name that is misspelt is told before anything has been done. */
function unknownServers(deps: UseCaseDeps, calls: readonly BatchCall[]): readonly BatchProblem[] {
  return calls.flatMap(({ index, mcpServer }): readonly BatchProblem[] => {
    try {
      findCallable(deps, mcpServer);
      return [];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { meant } = error.data ?? {};
      const hint = typeof meant === 'string' ? `; did you mean "${meant}"?` : '';
      return [{ index, field: 'mcp_server', message: `${error.message}${hint}` }];
    }
  });
}
