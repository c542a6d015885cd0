/** `list` and `status`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { ServerReport, type ServersReport } from '../../../application/operator/servers-report.ts';
import { listText, serverText, statusText } from '../../../server/cli/servers-text.ts';
import { knownServers } from '../../any-gateway.ts';
import { readAnswer, runningGateway, type GatewayLine } from '../../ask-gateway.ts';
import { pause } from '../../interrupt.ts';
import { tellFailure } from '../../outcome.ts';
import { print, say, untilUnread } from '../../say.ts';
import { gatewayJson, numberFlag, serversOf, type Asked } from './asked.ts';

/** Lists the configured servers. Answers the exit code. */
export async function list({ flags, signal }: Asked): Promise<number> {
  const found = await findLine(flags);
  await using line = found.line;
  const report = await serversOf(line, signal);
  if (flags.json === true) await print(JSON.stringify({ gateway: gatewayJson(line), ...report }));
  else await print(listText(report.servers, process.stdout.columns));
  if (found.missing !== undefined && flags.json !== true)
    say('no gateway runs; states are those of servers that were not started');
  return 0;
}

/** Shows what servers do, once or again and again. Answers the exit code. */
export async function status(asked: Asked): Promise<number> {
  const { flags } = asked;
  const signal = untilUnread(asked.signal);
  const everyMs =
    1_000 * numberFlag('interval', flags.interval, { standard: 2, min: 0.2, max: 3_600 });
  const screen = new Screen();
  try {
    for (;;) {
      const code = await look(asked, screen);
      if (flags.watch !== true || code !== 0 || signal.aborted) return code;
      await pause(everyMs, signal);
      if (signal.aborted) return 0;
    }
  } finally {
    screen.leave();
  }
}

/** One look. Where no gateway runs, what is configured is shown, and the answer is the exit code for it. */
async function look({ words: [id], flags, signal }: Asked, screen: Screen): Promise<number> {
  const found = await findLine(flags);
  await using line = found.line;
  const text = await (id === undefined ? allServers(line) : oneServer(line, id));
  if (flags.watch === true && flags.json !== true) screen.show(text);
  else await print(text);
  return found.missing === undefined ? 0 : tellFailure(found.missing, false);

  async function allServers(from: GatewayLine): Promise<string> {
    const report: ServersReport = await serversOf(from, signal);
    if (flags.json === true) return JSON.stringify({ gateway: gatewayJson(from), ...report });
    const { state_problem: problem } = report;
    const text = statusText(report.servers, {
      nowMs: Date.parse(report.as_of),
      isDetailed: flags.details === true,
      widthMax: process.stdout.columns,
    });
    return problem === undefined ? text : `${text}\nstate is not kept: ${problem}`;
  }

  async function oneServer(from: GatewayLine, name: string): Promise<string> {
    const answer = await from.ask({ query: 'get_mcp_server', input: { id: name } }, { signal });
    const report = sinceNever(from, readAnswer(ServerReport, answer));
    if (flags.json === true) return JSON.stringify({ gateway: gatewayJson(from), ...report });
    return serverText(report);
  }
}

/** Without a gateway there was no change to count from. */
const sinceNever = ({ running }: GatewayLine, report: ServerReport): ServerReport =>
  running === undefined ? { ...report, server: { ...report.server, state_since: null } } : report;

interface FoundLine {
  readonly line: GatewayLine;
  /** Set where no gateway runs, and `line` leads to what is known without one. */
  readonly missing: Fault | undefined;
}

async function findLine(flags: Asked['flags']): Promise<FoundLine> {
  try {
    return { line: await runningGateway(flags), missing: undefined };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'GATEWAY_NOT_RUNNING') throw error;
    return { line: await knownServers(flags), missing: error };
  }
}

/** Draws over what it drew before; into a pipe it prints one after the other. */
class Screen {
  #rows = 0;

  show(text: string): void {
    const { stdout } = process;
    if (!stdout.isTTY) {
      stdout.write(`${text}\n\n`);
      return;
    }
    const lines = text.split('\n').slice(0, Math.max(1, stdout.rows - 1));
    const up = this.#rows === 0 ? HIDE_CURSOR : `\u001B[${this.#rows}A`;
    stdout.write(`${up}\u001B[0J${lines.join('\n')}\n`);
    this.#rows = lines.length;
  }

  leave(): void {
    if (this.#rows > 0) process.stdout.write(SHOW_CURSOR);
  }
}

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
