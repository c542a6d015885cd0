/** The gateway's own MCP tools, as a client lists and calls them. */
import { randomUUID } from 'node:crypto';
import { modernResult } from '../../domain/protocol/bridge.ts';
import { CLIENT_SLOT, type ClientText } from '../../domain/protocol/client-message.ts';
import { isObject, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { losesNumbers, parseChecked } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { OwnTools } from '../catalog/views.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import { failureAnswer } from './failures.ts';
import { ProgressReporter } from './progress-reporter.ts';
import { HANGAR_TOOLS, REGISTRY_TOOLS } from './table.ts';
import type { GatewayTool } from './tool.ts';

export type ToolFamilies = 'registry' | 'hangar' | 'both' | 'none';

const TOOLS_OF: Readonly<Record<ToolFamilies, readonly GatewayTool[]>> = {
  registry: REGISTRY_TOOLS,
  hangar: HANGAR_TOOLS,
  both: [...REGISTRY_TOOLS, ...HANGAR_TOOLS],
  none: [],
};

/** Until there is authentication, everybody is the same principal. */
const PRINCIPAL = 'anonymous';

export interface OwnToolCall {
  readonly deps: UseCaseDeps;
  readonly client: {
    readonly user: ServerUser;
    readonly request: Request;
    readonly text: ClientText;
    readonly reply: ClientReply;
  };
  /** Settled by the tool's answer. */
  readonly call: Call;
  /** Name and version of the gateway. */
  readonly info: JsonObject;
}

export class GatewayTools implements OwnTools {
  readonly definitions: readonly JsonObject[];
  readonly #byName: ReadonlyMap<string, GatewayTool>;

  constructor(families: ToolFamilies) {
    const tools = TOOLS_OF[families];
    this.definitions = tools.map(({ definition }) => definition);
    this.#byName = new Map(tools.map((tool) => [tool.name, tool]));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Answers through the call, now or later, once. What goes wrong is a result that says so. */
  run(name: string, own: OwnToolCall): void {
    const tool = this.#byName.get(name);
    if (tool === undefined) throw new Error(`the gateway has no tool "${name}"`);
    const { deps, client, call, info } = own;
    const context = (correlationId: unknown): UseCaseContext => contextOf(tool, own, correlationId);
    argumentsOf(client)
      .then((args) => tool.run(args, { deps, context }))
      .catch((error: unknown) => failureAnswer(error, tool.words))
      .then((answer) => call.finish((reply) => deliver(answer, client.user, reply, info)))
      .catch((error: unknown) => call.fail(error));
  }
}

function deliver(
  answer: ToolAnswer,
  { asker }: ServerUser,
  reply: ClientReply,
  info: JsonObject,
): void {
  if (answer.kind === 'bytes') reply.answer(answer.answer);
  else if (asker.era === 'legacy' || 'resultType' in answer.result) reply.result(answer.result);
  else reply.result(modernResult('tools/call', answer.result, info));
}

/** The arguments; what they hold for another tool keeps its numbers as they were written. */
async function argumentsOf({ request, text }: OwnToolCall['client']): Promise<JsonObject> {
  const args = request.params?.['arguments'] ?? {};
  if (!isObject(args)) return { arguments: args };
  const { calls } = args;
  if (!('arguments' in args) && !Array.isArray(calls)) return args;
  if (!losesNumbers(text.text)) return args;
  const exact = parseChecked(text.text);
  const params = isObject(exact) ? exact['params'] : undefined;
  const exactArgs = isObject(params) ? params['arguments'] : undefined;
  if (!isObject(exactArgs)) return args;
  const batch = Array.isArray(calls) ? { calls: withExact(calls, exactArgs['calls']) } : {};
  return { ...withExactArguments(args, exactArgs), ...batch };
}

/** The same for each call of a batch. */
function withExact(calls: readonly unknown[], exact: unknown): readonly unknown[] {
  const texts: readonly unknown[] = Array.isArray(exact) ? exact : [];
  return calls.map((call, index) => {
    const written = texts[index];
    return isObject(call) && isObject(written) ? withExactArguments(call, written) : call;
  });
}

const withExactArguments = (read: JsonObject, written: JsonObject): JsonObject =>
  'arguments' in read ? { ...read, arguments: written['arguments'] } : read;

function contextOf(
  tool: GatewayTool,
  { client, call }: OwnToolCall,
  correlationId: unknown,
): UseCaseContext {
  const { user, request, text, reply } = client;
  const rawToken = spanText(text.text, text.spans, CLIENT_SLOT.progressToken);
  const reporter =
    rawToken === undefined
      ? undefined
      : new ProgressReporter(rawToken, (message) => {
          if (!call.settled) reply.send(message);
        });
  const isStaged = tool.progress === 'stages';
  return {
    principal: PRINCIPAL,
    correlationId: typeof correlationId === 'string' ? correlationId : randomUUID(),
    signal: call.signal,
    progress: (stage, message) => {
      if (isStaged) reporter?.stage(stage, message);
    },
    serverProgress: (progress) => {
      if (isStaged) reporter?.during(progress);
      else reporter?.asIs(progress);
    },
    caller: { user, params: carriedParams(request.params), carry: (made) => call.carriedBy(made) },
  };
}

/** What a call carries beside name and arguments, for the server that is called in the end. */
function carriedParams(params: JsonObject = {}): JsonObject {
  const carried = ['_meta', 'inputResponses', 'requestState'].filter((key) => key in params);
  return Object.fromEntries(carried.map((key) => [key, params[key]]));
}
