/** One MCP tool of the gateway: an entry of the registry under a name, with its arguments and its result. */
import type { z } from 'zod';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import { runUseCase, type UseCase, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';
import { inputSchemaOf, readArguments } from './arguments.ts';
import type { Words } from './words.ts';

/** What a client with a progress token hears. */
export type ProgressMode =
  /** The stages of the work. */
  | 'stages'
  /** What the server that is called reports, as it reports it. */
  | 'server';

export interface GatewayTool {
  readonly name: string;
  readonly words: Words;
  readonly useCase: UseCase;
  readonly definition: JsonObject;
  readonly progress: ProgressMode;
  /** @throws Fault, RpcRefusal */
  readonly run: (args: JsonObject, work: ToolWork) => Promise<ToolAnswer>;
}

export interface ToolWork {
  readonly deps: UseCaseDeps;
  readonly context: (correlationId: unknown) => UseCaseContext;
}

/** What a client may believe of a tool. */
export interface Hints {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

interface ToolOptions<Args extends z.ZodObject, Input extends z.ZodType, Output> {
  readonly words: Words;
  /** Without the name of the family. */
  readonly name: string;
  readonly useCase: UseCase<Input, Output>;
  /** Further sentences of the description. */
  readonly more?: string;
  readonly args: Args;
  readonly toInput: (args: z.output<Args>) => z.input<Input>;
  readonly toAnswer: (output: Output, words: Words) => ToolAnswer;
  readonly hints: Hints;
  readonly progress?: ProgressMode;
}

export function defineTool<Args extends z.ZodObject, Input extends z.ZodType, Output>(
  options: ToolOptions<Args, Input, Output>,
): GatewayTool {
  const { words, useCase, args: schema, toInput, toAnswer, hints, more } = options;
  const name = `${words.family}_${options.name}`;
  const description = more === undefined ? useCase.summary : `${useCase.summary} ${more}`;
  return {
    name,
    words,
    useCase,
    progress: options.progress ?? 'stages',
    definition: {
      name,
      description,
      inputSchema: inputSchemaOf(schema, words),
      annotations: hints,
    },
    async run(given, { deps, context }) {
      const args = readArguments(schema, given, words);
      const input = toInput(args);
      const output = await runUseCase(useCase, deps, input, context(args['correlation_id']));
      return toAnswer(output, words);
    },
  };
}
