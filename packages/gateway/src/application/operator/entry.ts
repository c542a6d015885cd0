/** One thing that an operator's command may ask: an entry of the registry, and its answer as JSON. */
import type { z } from 'zod';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { runUseCase, type UseCase, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';

/** For what is known at once. */
export const LOOK_MS_MAX = 10_000;
/** For what reads files that may be on a slow disk, and waits for others who do the same. */
export const RELOAD_MS_MAX = 120_000;
/** For what starts a server or calls it, each of which has limits of its own. */
export const WORK_MS_MAX = 7_200_000;
/** For what goes on until the command ends it. */
export const FOLLOW_MS_MAX = 604_800_000;

export interface OperatorWork {
  readonly deps: UseCaseDeps;
  readonly context: UseCaseContext;
  /** Says something before the answer. Never waits. */
  readonly tell: (item: JsonObject) => void;
}

export interface OperatorEntry {
  readonly useCase: UseCase;
  /** How long it may take. */
  readonly msMax: number;
  /** @throws Fault */
  readonly run: (input: JsonObject, work: OperatorWork) => Promise<JsonObject>;
}

/** An entry whose input is that of its use case. */
export function defineEntry<Input extends z.ZodType, Output>(
  useCase: UseCase<Input, Output>,
  msMax: number,
  toJson: (
    output: Output,
    work: OperatorWork,
    input: JsonObject,
  ) => JsonObject | Promise<JsonObject>,
): OperatorEntry {
  return {
    useCase,
    msMax,
    async run(input, work) {
      // Whatever the input is: running an entry begins with its schema.
      const given = input as z.input<Input>;
      return toJson(await runUseCase(useCase, work.deps, given, work.context), work, input);
    },
  };
}
