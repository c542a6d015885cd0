/** Calls that may make a task, and requests about a task that was made. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, RPC, type Request, type RpcError } from '../../domain/protocol/json-rpc.ts';
import {
  createdTask,
  declaresTasks,
  describedTask,
  mayCreateTask,
  tasksNotDeclared,
  type DescribedTask,
} from '../../domain/protocol/tasks.ts';
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { parseAnswer, utf8Text } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import { rpcErrorOf } from '../calls/reply.ts';
import type { View } from '../catalog/views.ts';
import type { ClientRequest, Hub } from '../dispatch/hub.ts';
import { route, unknownMethod } from '../dispatch/router.ts';
import type { RawAnswer } from '../ports.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { offeredTasks } from './offered-tasks.ts';
import { TASK_BYTES_MAX, taskLost, type Task } from './task-table.ts';
import { WatchedReply } from './watched-reply.ts';

/** What a server is asked about one task; `tasks/list` names none. */
const METHODS: Readonly<Record<Era, ReadonlySet<string>>> = {
  legacy: new Set(['tasks/get', 'tasks/result', 'tasks/cancel']),
  modern: new Set(['tasks/get', 'tasks/update', 'tasks/cancel']),
};

/** Whether a request is about one task, in the words of an era. */
export const isAboutTask = (method: string, era: Era): boolean => METHODS[era].has(method);

/** Whether an answer may be a task: a legacy client asks for one, a modern client says that it knows them. */
export function mayMakeTask(
  { method, params }: Request,
  { era, capabilities }: Pick<Asker, 'era' | 'capabilities'>,
): boolean {
  if (method !== 'tools/call') return false;
  return era === 'legacy' ? params?.['task'] !== undefined : declaresTasks(capabilities);
}

/** Sends a call whose answer may be a task, which is remembered then; undefined where it was refused at once. */
export function callForTask(hub: Hub, client: ClientRequest): Call | undefined {
  const { reply, user } = client;
  const { era } = user.asker;
  const refusal = era === 'legacy' ? refusedTask(hub, client) : undefined;
  if (refusal !== undefined) {
    reply.refuse(refusal);
    return undefined;
  }
  let settled: Call | undefined;
  const made = (result: unknown): void => {
    const task = createdTask(result, era);
    if (task !== undefined && settled !== undefined) remember(hub, client, settled, task);
  };
  const watched = new WatchedReply(reply, {
    answer: (answer) => {
      if (mayBeTask(answer, era)) made(parseAnswer(answer)?.['result']);
    },
    result: made,
  });
  return hub.forward({
    ...client,
    reply: watched,
    onSettled: (call) => {
      settled = call;
      client.onSettled(call);
    },
  });
}

/**
 * A task of a legacy client cannot run on a server of the other era. Where nobody told the client of tasks, its wish is
 * ignored, as the revision wants it.
 */
function refusedTask(hub: Hub, { view, request }: ClientRequest): RpcError | undefined {
  const routed = route(view, request.method, request.params);
  if (routed.kind !== 'target' || routed.target.server.eraFor('legacy') !== 'modern')
    return undefined;
  if (!offersTasks(hub, view)) return undefined;
  const { id } = routed.target.server.spec;
  const detail = `MCP server "${id}" speaks revision 2026-07-28, where this client's tasks do not exist: call the tool without "task"`;
  // What the revision wants for a tool that does not run as a task.
  return {
    ...rpcErrorOf(new Fault('TASK_CANNOT_CROSS', detail)),
    code: RPC.methodNotFound,
  };
}

/** Most answers are seen to be none without being parsed. */
function mayBeTask({ isError, bytes, before, after }: RawAnswer, era: Era): boolean {
  if (isError || bytes > TASK_BYTES_MAX) return false;
  return era === 'legacy' || mayCreateTask(utf8Text([...before, ...after]));
}

function remember(hub: Hub, { user }: ClientRequest, call: Call, task: DescribedTask): void {
  const { child } = call;
  const server = hub.servers.find(({ running }) => child !== undefined && running.includes(child));
  if (child === undefined || server === undefined || child.seat.era !== user.asker.era) return;
  hub.tasks.remember(task, { asker: user.asker, owner: user.owner, server, child });
}

/** Sends a request about a task to where the task is; undefined where it was refused at once. */
export function askAboutTask(hub: Hub, client: ClientRequest): Call | undefined {
  const to = placeOf(hub, client);
  if ('error' in to) {
    client.reply.refuse(to.error);
    return undefined;
  }
  const { server, task } = to;
  const { callTimeoutMs } = server.spec;
  if (task === undefined) return hub.sendTo(client, { server, timeoutMs: callTimeoutMs });
  const { method } = client.request;
  const reply = new WatchedReply(client.reply, {
    answer: (answer) => {
      if (endsTask(method, client.user.asker.era, answer)) hub.tasks.over(task);
    },
  });
  // A result is waited for as long as the task may take.
  const leftMs = method === 'tasks/result' ? task.untilMs - hub.options.clock.nowMs() : 0;
  const timeoutMs = Math.max(callTimeoutMs, leftMs);
  return hub.sendTo({ ...client, reply }, { server, child: task.child, timeoutMs });
}

type TaskPlace =
  | { readonly server: McpServer; readonly task: Task | undefined }
  | { readonly error: RpcError };

function placeOf(hub: Hub, { view, user, request }: ClientRequest): TaskPlace {
  const { era, capabilities } = user.asker;
  const taskId = request.params?.['taskId'];
  if (era === 'modern' && !declaresTasks(capabilities)) {
    const knows = offersTasks(hub, view) || isOpen(hub, view);
    return { error: knows ? tasksNotDeclared : unknownMethod(request.method) };
  }
  if (typeof taskId !== 'string')
    return { error: { code: RPC.invalidParams, message: 'Invalid params: "taskId" is missing' } };
  const { endpoint } = view;
  const servers = endpoint.prefixed === false ? endpoint.servers : hub.servers;
  const found = hub.tasks.find(user.asker, servers, taskId);
  switch (found.kind) {
    case 'task': {
      const { task } = found;
      // One of the modern era may have kept its tasks.
      if (task.hasEnded && era === 'legacy') return { error: rpcErrorOf(taskLost(task)) };
      return { server: task.server, task };
    }
    case 'ambiguous':
      return { error: taskNotFound(taskId, 'several servers have given out this id') };
    case 'unknown': {
      const only = endpoint.prefixed === false ? endpoint.servers[0] : undefined;
      if (era === 'modern' && only !== undefined && only.eraFor('modern') !== 'legacy') {
        // Another gateway may have seen it made.
        const isForeign = hub.tasks.isForeign(user.asker, only, taskId);
        if (!isForeign) return { server: only, task: undefined };
      }
      const error = offersTasks(hub, view)
        ? taskNotFound(taskId, 'it was made in another session, or is over for long')
        : unknownMethod(request.method);
      return { error };
    }
  }
}

const taskNotFound = (taskId: string, why: string): RpcError => ({
  code: RPC.invalidParams,
  message: `Task not found: ${taskId} (${why})`,
});

const offersTasks = (hub: Hub, view: View): boolean =>
  Object.keys(offeredTasks(hub, view)).length > 0;

/** Whether a server of the endpoint may offer tasks for all that is known. */
const isOpen = (hub: Hub, { endpoint, asker }: View): boolean =>
  endpoint.servers.some((server) => hub.catalogs.lacks(server, asker));

/** Whether the client has now what it waited for, so that nothing is kept for the task. */
function endsTask(method: string, era: Era, answer: RawAnswer): boolean {
  if (method === 'tasks/result' || answer.isError) return true;
  if (method === 'tasks/cancel') return true;
  if (method !== 'tasks/get' || answer.bytes > TASK_BYTES_MAX) return false;
  const result = parseAnswer(answer)?.['result'];
  // A legacy client fetches the result after this; a modern one has it with the state.
  if (era === 'legacy') return isObject(result) && result['status'] === 'cancelled';
  return describedTask(result, era)?.isOver === true;
}
