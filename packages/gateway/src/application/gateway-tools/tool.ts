/** One MCP tool of the gateway: an entry of the registry under a name, with its arguments and its result. */
import { once } from '@mcp-hangar/kernel/once';
import type { z } from 'zod';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import { runUseCase, type UseCase, type UseCaseContext, type UseCaseDeps } from '../use-case.ts';
import { readArguments } from './arguments.ts';
import { INPUT_SCHEMAS } from './input-schemas.ts';
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
  /** Of the arguments, where `definition` shows what is made from it. */
  readonly args?: () => z.ZodObject;
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
  readonly args: () => Args;
  readonly toInput: (args: z.output<Args>) => z.input<Input>;
  readonly toAnswer: (output: Output, words: Words) => ToolAnswer;
  readonly hints: Hints;
  readonly progress?: ProgressMode;
}

export function defineTool<Args extends z.ZodObject, Input extends z.ZodType, Output>(
  options: ToolOptions<Args, Input, Output>,
): GatewayTool {
  const { words, useCase, args, toInput, toAnswer, hints, more } = options;
  const schema = once(args);
  const name = `${words.family}_${options.name}`;
  const description = more === undefined ? useCase.summary : `${useCase.summary} ${more}`;
  return {
    name,
    words,
    useCase,
    args: schema,
    progress: options.progress ?? 'stages',
    definition: {
      name,
      description,
      inputSchema: INPUT_SCHEMAS[name] ?? {},
      annotations: hints,
    },
    async run(given, { deps, context }) {
      const read = readArguments(schema(), given, words);
      const input = toInput(read);
      const output = await runUseCase(useCase, deps, input, context(read['correlation_id']));
      return toAnswer(output, words);
    },
  };
}
