/** Why a task cannot be had, or not any more. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { RPC, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { wantsTasks } from '../../domain/protocol/tasks.ts';
import { rpcErrorOf } from '../calls/reply.ts';

/** To a modern client: declaring the extension would not help. */
export function toolNeedsLegacyTask(serverId: string, tool: string): RpcError {
  const detail = `tool "${tool}" of MCP server "${serverId}" runs as a task of revision 2025-11-25 only, which no capability of this client changes: call it from a client of that revision`;
  return rpcErrorOf(new Fault('TASK_CANNOT_CROSS', detail));
}

/** To a legacy client that wants a call to run as a task. */
export function serverHasNoLegacyTasks(serverId: string): RpcError {
  const detail = `MCP server "${serverId}" speaks revision 2026-07-28, where this client's tasks do not exist: call the tool without "task"`;
  return forLegacy(new Fault('TASK_CANNOT_CROSS', detail));
}

/** To a legacy client, where a modern server refused for want of the extension; undefined for any other error. */
export function toolNeedsModernTask(error: RpcError): RpcError | undefined {
  if (!wantsTasks(error)) return undefined;
  const detail =
    'the tool runs as a task of revision 2026-07-28 only: call it from a client of that revision';
  return forLegacy(new Fault('TASK_CANNOT_CROSS', detail));
}

/** Revision 2025-11-25 has this code wherever a tool and a client do not agree on a task. */
const forLegacy = (fault: Fault): RpcError => ({ ...rpcErrorOf(fault), code: RPC.methodNotFound });

/** The child that had a task has ended, and the task with it. */
export function taskLost(serverId: string, taskId: string): RpcError {
  const detail = `MCP server "${serverId}" has ended since, and its task ${taskId} with it: call the tool again`;
  return rpcErrorOf(new Fault('TASK_LOST', detail));
}

export const taskNotFound = (taskId: string, why: string): RpcError => ({
  code: RPC.invalidParams,
  message: `Task not found: ${taskId} (${why})`,
});
