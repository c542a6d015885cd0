import { z } from 'zod';
import type { ContinuationPage } from '../batch/continuation-store.ts';
import { ownerOf } from '../batch/continuation-store.ts';
import { defineQuery } from '../use-case.ts';

export const PAGE_BYTES_MAX = 2_000_000;
export const PAGE_BYTES = 500_000;

export interface FetchedContinuation {
  readonly offset: number;
  /** Undefined where it is gone, or another caller's: nobody learns which. */
  readonly page: ContinuationPage | undefined;
}

export const fetchContinuation = defineQuery({
  name: 'fetch_continuation',
  input: () =>
    z.strictObject({
      id: z.string(),
      offset: z.int().min(0).default(0),
      limit: z.int().min(1).max(PAGE_BYTES_MAX).default(PAGE_BYTES),
    }),
  permission: 'tool:invoke',
  summary: 'Read the whole of a result that was cut, page by page.',
  async run({ batches }, { id, offset, limit }, context): Promise<FetchedContinuation> {
    const key = { id, owner: ownerOf(context) };
    return { offset, page: await batches.continuations.page(key, { offset, limit }) };
  },
});
