/** Calls that may make a task, and requests about a task that was made. */
import { latin1 } from '../byte-text.ts';
import { isObject, type Request, type RpcError } from '../../domain/protocol/json-rpc.ts';
import {
  createdTask,
  declaresTasks,
  describedTask,
  mayCreateTask,
  type DescribedTask,
} from '../../domain/protocol/tasks.ts';
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { parseAnswer } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import { CLIENT_SLOT } from '../../domain/protocol/client-message.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import type { ClientRequest } from '../dispatch/call-path.ts';
import type { Hub } from '../dispatch/hub.ts';
import { route } from '../dispatch/router.ts';
import type { Bytes, RawAnswer } from '../ports.ts';
import { serverHasNoLegacyTasks } from './task-faults.ts';
import { offersTasks } from './offered-tasks.ts';
import { placeOfTask } from './task-place.ts';
import { TASK_BYTES_MAX } from './task-table.ts';
import { WatchedReply } from './watched-reply.ts';

/** What a server is asked about one task in both eras, and in one; `tasks/list` names none. */
const COMMON: readonly string[] = ['tasks/get', 'tasks/cancel'];
const ONLY: Readonly<Record<Era, string>> = { legacy: 'tasks/result', modern: 'tasks/update' };

/** Whether a request is about one task, in the words of an era. */
export const isAboutTask = (method: string, era: Era): boolean =>
  method === ONLY[era] || COMMON.includes(method);

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
  return hub.calls.forward({
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
  return serverHasNoLegacyTasks(routed.target.server.spec.id);
}

/** Most answers are seen to be none without being parsed. */
function mayBeTask({ isError, bytes, before, after }: RawAnswer, era: Era): boolean {
  if (isError || bytes > TASK_BYTES_MAX) return false;
  return era === 'legacy' || before.some(mayHoldTask) || after.some(mayHoldTask);
}

const mayHoldTask = (part: Bytes): boolean =>
  part.includes('"task"') && mayCreateTask(part.toString('latin1'));

function remember(hub: Hub, client: ClientRequest, call: Call, task: DescribedTask): void {
  const { user, text } = client;
  const { child } = call;
  const server = hub.fleet.servers.find(
    ({ running }) => child !== undefined && running.includes(child),
  );
  if (child === undefined || server === undefined || child.seat.era !== user.asker.era) return;
  const { upstreamId } = call;
  const token = spanText(text.text, text.spans, CLIENT_SLOT.progressToken);
  // In the legacy era the token of the call holds for the life of the task.
  const isTold = user.asker.era === 'legacy' && token !== undefined && upstreamId !== undefined;
  const progress = isTold ? { callId: upstreamId, token: latin1(token) } : undefined;
  const { asker, owner } = user;
  hub.tasks.remember(task, { asker, owner, server, child, progress });
}

/** Sends a request about a task to where the task is; undefined where it was refused at once. */
export function askAboutTask(hub: Hub, client: ClientRequest): Call | undefined {
  const { method, params } = client.request;
  const place = placeOfTask(hub, client, method, params?.['taskId']);
  if (place.kind === 'refused') {
    client.reply.refuse(place.error);
    return undefined;
  }
  const { server, task } = place;
  const { callTimeoutMs } = server.spec;
  if (task === undefined) return hub.calls.sendTo(client, { server, timeoutMs: callTimeoutMs });
  const reply = new WatchedReply(client.reply, {
    answer: (answer) => {
      if (endsTask(method, client.user.asker.era, answer)) hub.tasks.over(task);
    },
  });
  // A result is waited for as long as the task may take.
  const leftMs = method === 'tasks/result' ? task.untilMs - hub.options.clock.nowMs() : 0;
  const timeoutMs = Math.max(callTimeoutMs, leftMs);
  return hub.calls.sendTo({ ...client, reply }, { server, child: task.child, timeoutMs });
}

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
