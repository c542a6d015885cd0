import { z } from 'zod';
import { ownerOf } from '../batch/continuation-store.ts';
import { defineCommand } from '../use-case.ts';

export const deleteContinuation = defineCommand({
  name: 'delete_continuation',
  input: () => z.strictObject({ id: z.string() }),
  permission: 'tool:invoke',
  summary: 'Forget the whole of a result that was cut, which otherwise is kept for some minutes.',
  async run(
    { batches },
    { id },
    context,
  ): Promise<{ readonly id: string; readonly isDeleted: boolean }> {
    return { id, isDeleted: await batches.continuations.remove({ id, owner: ownerOf(context) }) };
  },
});
