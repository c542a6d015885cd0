/** `call`. */
import { readFile } from 'node:fs/promises';
import { text as textFrom } from 'node:stream/consumers';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { parseExactly } from '../../../application/calls/ask.ts';
import { TIMEOUT_S_MAX } from '../../../application/commands/invoke-tool.ts';
import { argumentsText, checkArguments } from '../../../domain/catalog/call-arguments.ts';
import { QUESTION_BYTES_MAX } from '../../../domain/local-socket/query.ts';
import { isObject, type JsonObject } from '../../../domain/protocol/json-rpc.ts';
import { toolResultText } from '../../../server/cli/tool-result-text.ts';
import { anyGateway } from '../../any-gateway.ts';
import { readAnswer, type GatewayLine } from '../../ask-gateway.ts';
import { progressOn } from '../../progress.ts';
import { print, say } from '../../say.ts';
import { knownIds, numberFlag, serversOf, wrongFlag, type Asked } from './asked.ts';
import { toolsOf } from './tools.ts';

const TOOL_FAILED = 1;
const TIMEOUT = { standard: TIMEOUT_S_MAX, min: 0.1, max: TIMEOUT_S_MAX };
/** Beside the arguments, in a question. */
const ENVELOPE_BYTES = 4_096;

const CallReport = z.object({ result_text: z.string() });

/** Calls a tool and prints its result. Answers the exit code. */
export async function call(asked: Asked): Promise<number> {
  const { flags, signal } = asked;
  const timeoutS = numberFlag('timeout', flags.timeout, TIMEOUT);
  const wanted = wantedOf(asked);
  const given = await givenObject(wanted, flags.args);
  const progress = progressOn(`Asking for ${wanted.server}.${wanted.tool}`);
  try {
    await using line = await anyGateway(flags);
    const { servers } = await serversOf(line, signal);
    knownIds([wanted.server], servers);
    const schema = await schemaOf(line, wanted, { signal, tell: (text) => progress.say(text) });
    const input = {
      id: wanted.server,
      tool: wanted.tool,
      arguments_text: argumentsOf(wanted, given, schema),
      timeoutS,
    };
    progress.say(`Calling ${wanted.server}.${wanted.tool}`);
    const onItem = (item: JsonObject): void => progress.say(progressText(wanted.tool, item));
    const answer = await line.ask({ query: 'invoke_tool', input }, { signal, onItem });
    progress[Symbol.dispose]();
    return await printResult(readAnswer(CallReport, answer).result_text, asked, wanted);
  } finally {
    progress[Symbol.dispose]();
  }
}

interface Wanted {
  readonly server: string;
  readonly tool: string;
  /** `name=value` each. */
  readonly words: readonly string[];
  /** The arguments as JSON, where they were given with `--json`. */
  readonly json: string | undefined;
  readonly isRaw: boolean;
}

/** What was typed: `SERVER.TOOL`, `SERVER__TOOL` or `SERVER TOOL`, then arguments. @throws Fault INPUT_INVALID */
function wantedOf({ words: [target = '', ...rest], flags: { json } }: Asked): Wanted {
  // `--json name=value`: the option takes the word that stands behind it, whatever it is.
  const isObjectText = typeof json === 'string' && json.trimStart().startsWith('{');
  const words = typeof json === 'string' && !isObjectText ? [json, ...rest] : rest;
  const common = {
    json: isObjectText ? json : undefined,
    isRaw: json !== undefined && !isObjectText,
  };
  const [, server, tool] = /^(.+?)(?:\.|__)(.+)$/s.exec(target) ?? [];
  if (server !== undefined && tool !== undefined) return { server, tool, words, ...common };
  const [second, ...others] = words;
  if (second !== undefined && !second.includes('='))
    return { server: target, tool: second, words: others, ...common };
  const fix = 'write SERVER.TOOL, as it is shown by: mcp-hangar tools';
  throw wrongFlag('tool', `"${target}" names no tool of a server`, fix);
}

/** Arguments that come as JSON. @throws Fault INPUT_INVALID */
async function givenObject(
  { json, words }: Wanted,
  args: string | undefined,
): Promise<JsonObject | undefined> {
  if (json === undefined && args === undefined) return undefined;
  if ([json !== undefined, args !== undefined, words.length > 0].filter(Boolean).length > 1)
    throw wrongFlag('arguments', 'the arguments are given twice', 'give them as words, or as JSON');
  const text = json ?? (await argsText(args ?? ''));
  if (Buffer.byteLength(text) > QUESTION_BYTES_MAX - ENVELOPE_BYTES)
    throw wrongFlag(
      'args',
      `the arguments have more than ${QUESTION_BYTES_MAX - ENVELOPE_BYTES} bytes`,
    );
  let value: unknown;
  try {
    value = parseExactly(text);
  } catch (error) {
    throw wrongFlag('args', `the arguments are no JSON: ${messageOf(error)}`);
  }
  if (isObject(value)) return value;
  throw wrongFlag('args', 'the arguments are no JSON object');
}

async function argsText(args: string): Promise<string> {
  if (args === '-') return textFrom(process.stdin);
  if (!args.startsWith('@')) return args;
  try {
    return await readFile(args.slice(1), 'utf8');
  } catch (error) {
    throw wrongFlag('args', `cannot read the arguments: ${messageOf(error)}`);
  }
}

/** The tool's schema; undefined where the server does not list it: the gateway has the last word on that. */
async function schemaOf(
  line: GatewayLine,
  { server, tool }: Wanted,
  question: Parameters<typeof toolsOf>[2],
): Promise<JsonObject | undefined> {
  try {
    const { tools } = await toolsOf(line, server, question);
    const schema = tools.find(({ name }) => name === tool)?.['inputSchema'];
    return isObject(schema) ? schema : undefined;
  } catch (error) {
    // It runs and will not be listed: it may know the tool all the same.
    if (error instanceof Fault && error.code === 'UPSTREAM_REFUSED') return undefined;
    throw error;
  }
}

/** @throws Fault INPUT_INVALID where an argument is missing or none of the tool's */
function argumentsOf(
  { words, server, tool }: Wanted,
  given: JsonObject | undefined,
  schema: JsonObject | undefined,
): string {
  try {
    if (given === undefined) return argumentsText(words, schema);
    checkArguments(given, schema);
    return JSON.stringify(given);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const data = { ...error.data, mcp_server: server, tool };
    throw new Fault(error.code, `${server}.${tool}: ${error.message}`, { data });
  }
}

function progressText(tool: string, { message, progress, total }: JsonObject): string {
  if (typeof message === 'string') return message;
  const of = typeof total === 'number' ? ` of ${total}` : '';
  return `${tool}: ${String(progress)}${of}`;
}

async function printResult(text: string, { words }: Asked, { isRaw }: Wanted): Promise<number> {
  const result: unknown = JSON.parse(text);
  const isError = isObject(result) && result['isError'] === true;
  const code = isError ? TOOL_FAILED : 0;
  if (isRaw) {
    await print(text);
    return code;
  }
  const shown = toolResultText(isObject(result) ? result : {}, process.stdout.isTTY);
  if (!isError) await print(shown);
  else say(`mcp-hangar: ${words[0] ?? ''} answered with an error\n${shown}`);
  return code;
}
