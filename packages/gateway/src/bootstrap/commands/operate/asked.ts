import { Fault } from '@mcp-hangar/kernel/errors';
import { ServersReport, type ServerRow } from '../../../application/operator/servers-report.ts';
import { unknownFault } from '../../../application/servers/unknown-fault.ts';
import type { OperateFlags } from '../../../server/cli/commands/operate.ts';
import { readAnswer, type GatewayLine } from '../../ask-gateway.ts';

/** What one command was asked to do. */
export interface Asked {
  readonly words: readonly string[];
  readonly flags: OperateFlags;
  /** Aborted when somebody ends the command. */
  readonly signal: AbortSignal;
}

export const wrongFlag = (field: string, message: string, fix?: string): Fault =>
  new Fault('INPUT_INVALID', message, { data: { field, ...(fix === undefined ? {} : { fix }) } });

/** A number that was typed. @throws Fault INPUT_INVALID */
export function numberFlag(
  name: string,
  text: string | undefined,
  { standard, min, max, isWhole }: NumberFlag,
): number {
  const value = text === undefined ? standard : Number(text);
  if (value >= min && value <= max && (isWhole !== true || Number.isInteger(value))) return value;
  const kind = isWhole === true ? 'whole number' : 'number';
  throw wrongFlag(name, `--${name} "${text}" is no ${kind} from ${min} to ${max}`);
}

interface NumberFlag {
  readonly standard: number;
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
}

/** Every configured server, as the gateway sees it. @throws Fault */
export async function serversOf(line: GatewayLine, signal: AbortSignal): Promise<ServersReport> {
  const answer = await line.ask({ query: 'get_status', input: {} }, { signal });
  const report = readAnswer(ServersReport, answer);
  if (line.running !== undefined) return report;
  // Without a gateway there was no change to count from.
  return { ...report, servers: report.servers.map((row) => ({ ...row, state_since: null })) };
}

/** The ids that were named, each once. @throws Fault MCP_SERVER_UNKNOWN for the first that does not exist */
export function knownIds(ids: readonly string[], servers: readonly ServerRow[]): readonly string[] {
  const known = servers.map(({ id }) => id);
  for (const id of ids) if (!known.includes(id)) throw unknownFault(id, known);
  return [...new Set(ids)];
}

export interface GatewayJson {
  readonly running: boolean;
  readonly pid?: number;
  /** Null where it does not say. */
  readonly version?: string | null;
}

/** What `--json` says of the gateway. */
export const gatewayJson = ({ running }: GatewayLine): GatewayJson =>
  running === undefined
    ? { running: false }
    : { running: true, pid: running.pid, version: running.version ?? null };
