/** The tools of the gateway: which entry of the registry stands behind each name. */
import type { ToolAnswer } from '../calls/internal-call.ts';
import { REGISTRY } from '../registry.ts';
import { reloadTool } from './reload-tool.ts';
import {
  InvokeArguments,
  InvokeExArguments,
  InvokeStreamArguments,
  ListArguments,
  ManyServersArguments,
  NoArguments,
  OneGroupArguments,
  OneServerArguments,
} from './arguments.ts';
import { groupListAnswer, rebalanceAnswer } from './group-answers.ts';
import {
  detailsAnswer,
  healthAnswer,
  listAnswer,
  reportAnswer,
  startAnswer,
  stopAnswer,
  toolsAnswer,
  warmAnswer,
} from './results.ts';
import { statusAnswer } from './status-answer.ts';
import { BATCH_TOOLS } from './batch-tools.ts';
import { defineTool, type GatewayTool, type Hints } from './tool.ts';
import { HANGAR_WORDS, REGISTRY_WORDS, type Words } from './words.ts';

const LOOKS: Hints = { readOnlyHint: true, openWorldHint: false };
const STARTS: Hints = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
const STOPS: Hints = { ...STARTS, destructiveHint: true };
/** Whatever the tool behind it does. */
const CALLS: Hints = { readOnlyHint: false, destructiveHint: true, openWorldHint: true };

const id = ({ mcpServer }: { readonly mcpServer: string }): { readonly id: string } => ({
  id: mcpServer,
});
const nothing = (): Record<never, never> => ({});
const passOn = (answer: ToolAnswer): ToolAnswer => answer;
const never = (answer: never): ToolAnswer => answer;

const serverTools = (words: Words): readonly GatewayTool[] => [
  defineTool({
    words,
    name: 'list',
    useCase: REGISTRY.list_mcp_servers,
    args: ListArguments,
    toInput: ({ state_filter: state }) => ({ state }),
    toAnswer: listAnswer,
    hints: LOOKS,
  }),
  defineTool({
    words,
    name: 'start',
    useCase: REGISTRY.start_mcp_server,
    args: OneServerArguments,
    toInput: id,
    toAnswer: startAnswer,
    hints: STARTS,
  }),
  defineTool({
    words,
    name: 'stop',
    useCase: REGISTRY.stop_mcp_server,
    args: OneServerArguments,
    toInput: id,
    toAnswer: stopAnswer,
    hints: STOPS,
  }),
  defineTool({
    words,
    name: 'tools',
    useCase: REGISTRY.get_mcp_server_tools,
    args: OneServerArguments,
    toInput: id,
    toAnswer: toolsAnswer,
    hints: LOOKS,
  }),
  defineTool({
    words,
    name: 'details',
    useCase: REGISTRY.get_mcp_server,
    args: OneServerArguments,
    toInput: id,
    toAnswer: detailsAnswer,
    hints: LOOKS,
  }),
];

const gatewayWideTools = (words: Words): readonly GatewayTool[] => [
  defineTool({
    words,
    name: 'health',
    useCase: REGISTRY.get_health,
    args: NoArguments,
    toInput: nothing,
    toAnswer: healthAnswer,
    hints: LOOKS,
  }),
  defineTool({
    words,
    name: 'status',
    useCase: REGISTRY.get_status,
    args: NoArguments,
    toInput: nothing,
    toAnswer: statusAnswer,
    hints: LOOKS,
  }),
  defineTool({
    words,
    name: 'warm',
    useCase: REGISTRY.warm_mcp_servers,
    args: ManyServersArguments,
    toInput: ({ mcpServers }) => (mcpServers === undefined ? {} : { ids: idsIn(mcpServers) }),
    toAnswer: warmAnswer,
    hints: STARTS,
  }),
  defineTool({
    words,
    name: 'discover',
    useCase: REGISTRY.trigger_discovery,
    args: NoArguments,
    toInput: nothing,
    toAnswer: never,
    hints: STARTS,
  }),
  defineTool({
    words,
    name: 'sources',
    useCase: REGISTRY.list_discovery_sources,
    args: NoArguments,
    toInput: nothing,
    toAnswer: never,
    hints: LOOKS,
  }),
];

const groupTools = (words: Words): readonly GatewayTool[] => [
  defineTool({
    words,
    name: 'group_list',
    useCase: REGISTRY.list_groups,
    args: NoArguments,
    toInput: nothing,
    toAnswer: groupListAnswer,
    hints: LOOKS,
  }),
  defineTool({
    words,
    name: 'group_rebalance',
    useCase: REGISTRY.rebalance_group,
    args: OneGroupArguments,
    toInput: ({ group }) => ({ id: group }),
    toAnswer: rebalanceAnswer,
    hints: STARTS,
  }),
];

const idsIn = (csv: string): string[] =>
  csv
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** What both families have. */
const commonTools = (words: Words): readonly GatewayTool[] => [
  ...serverTools(words),
  ...gatewayWideTools(words),
  ...groupTools(words),
];

interface Invocation {
  readonly mcpServer: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly timeout: number;
}
const toInvoke = ({ mcpServer, tool, arguments: given, timeout }: Invocation) => ({
  id: mcpServer,
  tool,
  arguments: given,
  timeoutS: timeout,
});

const invokeTools = (words: Words): readonly GatewayTool[] => [
  defineTool({
    words,
    name: 'invoke',
    useCase: REGISTRY.invoke_tool,
    args: InvokeArguments,
    toInput: toInvoke,
    toAnswer: passOn,
    hints: CALLS,
    progress: 'server',
  }),
  defineTool({
    words,
    name: 'invoke_ex',
    useCase: REGISTRY.invoke_tool_with_report,
    args: InvokeExArguments,
    toInput: ({ retry_on_error: isTriedAgain, ...args }) => ({
      ...toInvoke(args),
      attemptsMax: isTriedAgain ? Math.max(1, args.max_retries) : 1,
    }),
    toAnswer: reportAnswer,
    hints: CALLS,
  }),
  defineTool({
    words,
    name: 'invoke_stream',
    useCase: REGISTRY.invoke_tool_with_report,
    more: 'With a progress token, each stage is told as it is reached.',
    args: InvokeStreamArguments,
    toInput: (args) => ({ ...toInvoke(args), attemptsMax: Math.max(1, args.max_retries) }),
    toAnswer: reportAnswer,
    hints: CALLS,
  }),
];

export const REGISTRY_TOOLS: readonly GatewayTool[] = [
  ...commonTools(REGISTRY_WORDS),
  ...invokeTools(REGISTRY_WORDS),
];
export const HANGAR_TOOLS: readonly GatewayTool[] = [
  ...commonTools(HANGAR_WORDS),
  ...BATCH_TOOLS,
  reloadTool,
];
