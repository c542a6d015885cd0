/** `logs`. */
import { once } from 'node:events';
import { LogLineReport } from '../../../application/operator/logs-entry.ts';
import { localTime } from '../../../server/cli/event-text.ts';
import { harmlessLines } from '../../../server/cli/harmless.ts';
import { readAnswer, runningGateway } from '../../ask-gateway.ts';
import { forStdout, say, untilUnread } from '../../say.ts';
import { knownIds, numberFlag, serversOf, type Asked } from './asked.ts';

const LINES = { standard: 100, min: 0, max: 10_000, isWhole: true } as const;

/** Prints what servers wrote to stderr, with `--follow` until somebody ends it. Answers the exit code. */
export async function logs({ words, flags, signal }: Asked): Promise<number> {
  const lines = numberFlag('lines', flags.lines, LINES);
  await using line = await runningGateway(flags);
  const { servers } = await serversOf(line, signal);
  const [id] = knownIds(words, servers);
  const ended = untilUnread(signal);
  let count = 0;
  const onItem = (item: unknown): Promise<void> | undefined => {
    count += 1;
    const report = readAnswer(LogLineReport, item);
    const text = flags.json === true ? JSON.stringify(report) : lineText(report);
    if (process.stdout.write(`${forStdout(text)}\n`)) return undefined;
    return once(process.stdout, 'drain', { signal: ended }).then(() => undefined);
  };
  const onMissed = (missed: number): void =>
    say(`… ${missed} lines are left out: they came faster than they were read`);
  const input = { lines, follow: flags.follow === true, ...(id === undefined ? {} : { id }) };
  try {
    await line.ask({ query: 'get_server_logs', input }, { signal: ended, onItem, onMissed });
  } catch (error) {
    if (!ended.aborted || signal.aborted) throw error;
  }
  if (count === 0 && !ended.aborted) sayNothing(servers.find((row) => row.id === id)?.transport);
  return 0;
}

function sayNothing(transport: string | undefined): void {
  if (transport === 'http')
    say('a remote server has no stderr here; what it did: mcp-hangar events');
  else
    say('nothing was written to stderr since the gateway began; what was done: mcp-hangar events');
}

/** `2026-11-21 08:01:02.345  github[123]  text`. */
const lineText = ({ at, mcp_server: id, pid, line }: LogLineReport): string =>
  harmlessLines(`${localTime(Date.parse(at))}  ${id}[${pid}]  ${line}`);
