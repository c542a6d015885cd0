/** What an operator's commands may ask of the gateway that runs: which entry of the registry stands behind each name. */
import type { z } from 'zod';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { REGISTRY } from '../registry.ts';
import { runUseCase, type UseCase, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';
import { configurationReport } from './configuration-report.ts';
import { parkedCallsReport } from './parked-calls-report.ts';

export interface OperatorEntry {
  readonly useCase: UseCase;
  /** @throws Fault */
  readonly run: (
    input: JsonObject,
    deps: UseCaseDeps,
    context: UseCaseContext,
  ) => Promise<JsonObject>;
}

function defineEntry<Input extends z.ZodType, Output>(
  useCase: UseCase<Input, Output>,
  toJson: (output: Output) => JsonObject,
): readonly [name: string, entry: OperatorEntry] {
  const run: OperatorEntry['run'] = async (input, deps, context) =>
    // Whatever the input is: running an entry begins with its schema.
    toJson(await runUseCase(useCase, deps, input as z.input<Input>, context));
  return [useCase.name, { useCase, run }];
}

export const OPERATOR_ENTRIES: ReadonlyMap<string, OperatorEntry> = new Map([
  defineEntry(REGISTRY.get_configuration, configurationReport),
  defineEntry(REGISTRY.list_parked_calls, parkedCallsReport),
]);
