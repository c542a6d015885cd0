/** The commands that work on MCP servers by way of a gateway. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { OperateFlags, OperateName } from '../../server/cli/commands/operate.ts';
import { advised } from '../advised.ts';
import { interruptible } from '../interrupt.ts';
import { call } from './operate/call.ts';
import { restart, start, stop } from './operate/lifecycle.ts';
import { logs } from './operate/logs.ts';
import { list, status } from './operate/servers.ts';
import { reload } from './operate/reload.ts';
import { tools } from './operate/tools.ts';
import { version } from './operate/version.ts';
import type { Asked } from './operate/asked.ts';

const COMMANDS: Readonly<Record<OperateName, (asked: Asked) => Promise<number>>> = {
  list,
  status,
  tools,
  call,
  start,
  stop,
  restart,
  logs,
  reload,
  version,
};

/** Runs one of them. Answers the exit code. @throws Fault, with what to do about it where that is known */
export async function operate(
  name: OperateName,
  words: readonly string[],
  flags: OperateFlags,
): Promise<number> {
  try {
    return await interruptible((signal) => COMMANDS[name]({ words, flags, signal }));
  } catch (error) {
    throw error instanceof Fault ? advised(error) : error;
  }
}
