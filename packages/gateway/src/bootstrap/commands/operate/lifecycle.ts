/** `start`, `stop` and `restart`. */
import { z } from 'zod';
import { runningGateway, readAnswer, type GatewayLine } from '../../ask-gateway.ts';
import { print } from '../../say.ts';
import { knownIds, serversOf, wrongFlag, type Asked } from './asked.ts';
import { eachOf, failuresJson, tellFailures } from './each-of.ts';

const Started = z.object({ id: z.string(), state: z.string(), tools: z.number() });

interface Change {
  readonly id: string;
  readonly state: string;
  readonly tools?: number;
}

interface Changing {
  readonly line: GatewayLine;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly tell: (text: string) => void;
}

export const start = (asked: Asked): Promise<number> => change(asked, 'start', started);
export const stop = (asked: Asked): Promise<number> => change(asked, 'stop', stopped);
export const restart = (asked: Asked): Promise<number> =>
  change(asked, 'restart', async (changing) => {
    await stopped(changing);
    return started(changing);
  });

async function started({ line, id, signal, tell }: Changing): Promise<Change> {
  tell(`Starting MCP server "${id}"`);
  const onItem = ({ message }: Readonly<Record<string, unknown>>): void => tell(String(message));
  const question = { query: 'start_mcp_server', input: { id } };
  return readAnswer(Started, await line.ask(question, { signal, onItem }));
}

async function stopped({ line, id, signal, tell }: Changing): Promise<Change> {
  tell(`Stopping MCP server "${id}"`);
  await line.ask({ query: 'stop_mcp_server', input: { id } }, { signal });
  return { id, state: 'cold' };
}

/** Changes the servers that were named. Answers the exit code: that of the first failure. */
async function change(
  { words, flags, signal }: Asked,
  verb: string,
  work: (changing: Changing) => Promise<Change>,
): Promise<number> {
  if ((words.length === 0) !== (flags.all === true))
    throw wrongFlag('servers', `${verb} which MCP servers?`, 'name some, or write --all');
  await using line = await runningGateway(flags);
  const { servers } = await serversOf(line, signal);
  const enabled = servers.filter((row) => row.enabled).map(({ id }) => id);
  const ids = flags.all === true ? enabled : knownIds(words, servers);
  const { done, failed } = await eachOf(ids, (id, tell) => work({ line, id, signal, tell }));
  if (flags.json === true)
    await print(JSON.stringify({ servers: done, failed: failuresJson(failed) }));
  else if (done.length > 0) await print(done.map(changeText).join('\n'));
  return tellFailures(failed);
}

const changeText = ({ id, state, tools }: Change): string =>
  `${id}: ${state}${tools === undefined ? '' : `, ${tools} tools`}`;
