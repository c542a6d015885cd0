/**
 * What can be asked of the gateway: a command or a query with its input, its permission and its work. It knows no
 * surface: MCP tools, the command line and REST are drawn from the same entries (`registry.ts`).
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { once } from '@mcp-hangar/kernel/once';
import type { z } from 'zod';
import type { JsonObject } from '../domain/protocol/json-rpc.ts';
import type { BatchParts } from './batch/batch-parts.ts';
import type { Call } from './calls/call.ts';
import type { Catalogs } from './catalog/catalogs.ts';
import type { ExecutionGate } from './execution/execution-gate.ts';
import type { InternalCall, Progress } from './calls/internal-call.ts';
import type { Fleet } from './dispatch/fleet.ts';
import type { Clock, DescribeConfiguration, Logger, ParkedCallStore } from './ports.ts';
import type { Processes } from './processes/processes.ts';
import type { ReloadConfiguration } from './reload/reloads.ts';
import type { ServerUser } from './servers/mcp-server.ts';
import type { ServerLogs } from './servers/server-logs.ts';
import type { StartStages } from './servers/start-stages.ts';

export type Permission =
  | 'mcp_servers:read'
  | 'mcp_servers:lifecycle'
  | 'tool:invoke'
  | 'discovery:read'
  | 'discovery:trigger'
  | 'audit:read'
  | 'config:reload';

/** What use cases work with. */
export interface UseCaseDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startedAtMs: number;
  readonly fleet: Pick<Fleet, 'servers' | 'disabled' | 'groups' | 'disabledGroups' | 'standalone'>;
  /** Why what is to outlive the gateway is not kept just now; undefined where it is. */
  readonly stateProblem?: (() => string | undefined) | undefined;
  readonly catalogs: Catalogs;
  readonly stages: StartStages;
  readonly logs: ServerLogs;
  readonly parkedCalls: Pick<ParkedCallStore, 'list'>;
  readonly processes: Pick<Processes, 'pending'>;
  /** Undefined for a gateway that was built without a file. */
  readonly configuration?: DescribeConfiguration | undefined;
  /** Undefined where there is no file to read again. */
  readonly reload?: ReloadConfiguration | undefined;
  /** Servers that are started at one time where many are wanted. */
  readonly startConcurrency: number;
  readonly batches: BatchParts;
  /** How many calls wait, and how limits are used. */
  readonly gate: Pick<ExecutionGate, 'queuedOf' | 'rateUse'>;
  /** Sends a tool call the way that calls of clients go. */
  readonly send: (call: InternalCall) => Call;
}

/** How far a use case is; in the order in which they come. */
export const STAGES = [
  'cold_start',
  'launching',
  'initializing',
  'discovering_tools',
  'connecting',
  'ready',
  'executing',
  'retrying',
  'processing',
  'complete',
  'failed',
] as const;
export type Stage = (typeof STAGES)[number];

/** For whom something is done: a tool call reaches the child that this client would reach itself. */
export interface Caller {
  readonly user: ServerUser;
  /** What the client sent beside name and arguments: `_meta`, and its answers to what a server asked first. */
  readonly params: JsonObject;
  /** Told of the call that is made for the client. */
  readonly carry: (call: Call) => void;
}

export interface UseCaseContext {
  readonly principal: string;
  readonly correlationId: string;
  /** Aborted when nobody waits for the outcome any more. */
  readonly signal: AbortSignal;
  readonly progress: (stage: Stage, message: string) => void;
  /** What the server itself reports during `executing`. */
  readonly serverProgress: (progress: Progress) => void;
  readonly caller: Caller;
}

export interface UseCase<Input extends z.ZodType = z.ZodType, Output = unknown> {
  readonly kind: 'command' | 'query';
  readonly name: string;
  /** Made when it is first used. */
  readonly input: () => Input;
  readonly permission: Permission;
  /** One sentence. */
  readonly summary: string;
  /** @throws Fault where it refuses or fails */
  run(deps: UseCaseDeps, input: z.output<Input>, context: UseCaseContext): Output | Promise<Output>;
}

type Definition<Input extends z.ZodType, Output> = Omit<UseCase<Input, Output>, 'kind'>;

/** An entry that changes something. */
export const defineCommand = <Input extends z.ZodType, Output>(
  definition: Definition<Input, Output>,
): UseCase<Input, Output> => ({ ...definition, input: once(definition.input), kind: 'command' });

/** An entry that only looks; it may start a server to do so. */
export const defineQuery = <Input extends z.ZodType, Output>(
  definition: Definition<Input, Output>,
): UseCase<Input, Output> => ({ ...definition, input: once(definition.input), kind: 'query' });

/** Checks the input and does the work. @throws Fault INPUT_INVALID, and what the entry throws */
export async function runUseCase<Input extends z.ZodType, Output>(
  useCase: UseCase<Input, Output>,
  deps: UseCaseDeps,
  input: z.input<Input>,
  context: UseCaseContext,
): Promise<Output> {
  const parsed = useCase.input().safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    throw new Fault('INPUT_INVALID', issue?.message ?? 'the input is wrong', { data: { field } });
  }
  return useCase.run(deps, parsed.data, context);
}
