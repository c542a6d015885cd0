/** `tools`. */
import { z } from 'zod';
import { isObject, type JsonObject } from '../../../domain/protocol/json-rpc.ts';
import { bytesOf, toolsText } from '../../../server/cli/tools-text.ts';
import { anyGateway } from '../../any-gateway.ts';
import { readAnswer, type GatewayLine } from '../../ask-gateway.ts';
import { print } from '../../say.ts';
import { knownIds, serversOf, type Asked } from './asked.ts';
import { eachOf, failuresJson, tellFailures } from './each-of.ts';

const ToolsReport = z.object({
  id: z.string(),
  state: z.string(),
  tools: z.array(z.custom<JsonObject>(isObject)),
});
export type ToolsReport = z.infer<typeof ToolsReport>;

/** Lists tools; a server whose tools are not known is started for it. Answers the exit code. */
export async function tools({ words, flags, signal }: Asked): Promise<number> {
  await using line = await anyGateway(flags);
  const { servers } = await serversOf(line, signal);
  const enabled = servers.filter((row) => row.enabled).map(({ id }) => id);
  const ids = words.length === 0 ? enabled : knownIds(words, servers);
  const { done, failed } = await eachOf(ids, (id, tell) => toolsOf(line, id, { signal, tell }));
  const [first] = failed;
  // What was asked for alone is all that was asked for.
  if (first !== undefined && words.length > 0) throw first.error;
  if (flags.json === true)
    await print(JSON.stringify({ servers: done.map(withBytes), failed: failuresJson(failed) }));
  else await print(toolsText(done, process.stdout.columns));
  return tellFailures(failed);
}

const withBytes = (report: ToolsReport): JsonObject => ({
  ...report,
  bytes: report.tools.reduce((sum, tool) => sum + bytesOf(tool), 0),
});

export interface ToolsQuestion {
  readonly signal: AbortSignal;
  /** Hears what the gateway says while it starts the server. */
  readonly tell: (text: string) => void;
}

/** The tools of one server. @throws Fault */
export async function toolsOf(
  line: GatewayLine,
  id: string,
  { signal, tell }: ToolsQuestion,
): Promise<ToolsReport> {
  tell(`Looking at the tools of MCP server "${id}"`);
  const question = { query: 'get_mcp_server_tools', input: { id } };
  return readAnswer(ToolsReport, await line.ask(question, { signal }));
}
