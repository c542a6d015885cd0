/** `tasks/list` of a legacy client: its own tasks, whoever else the children work for. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { ask, RpcRefusal } from '../calls/ask.ts';
import type { Call } from '../calls/call.ts';
import { rpcErrorOf } from '../calls/reply.ts';
import type { ClientRequest } from '../dispatch/call-path.ts';
import type { Hub } from '../dispatch/hub.ts';
import { unknownMethod } from '../dispatch/router.ts';
import { GATEWAY } from '../servers/child.ts';
import type { Upstream } from '../servers/upstream.ts';
import { offeredTasks } from './offered-tasks.ts';
import type { Task } from './task-table.ts';

const PAGE_TASKS = 32;
/** For one task to be described by its server. */
const DESCRIBE_MS_MAX = 10_000;

/**
 * A server whose children work for this client alone lists its tasks itself. Of a shared child, and of many servers,
 * the client's tasks are known by their ids, and each is asked after.
 */
export function listTasks(hub: Hub, client: ClientRequest): Call | undefined {
  const { view, request, user, reply } = client;
  const { tasks: offered } = offeredTasks(hub, view);
  const only = view.endpoint.prefixed === false ? view.endpoint.servers[0] : undefined;
  if (!isObject(offered) || offered['list'] === undefined) {
    reply.refuse(unknownMethod(request.method));
    return undefined;
  }
  const own = hub.tasks.of(user.asker).filter(({ hasEnded }) => !hasEnded);
  if (only !== undefined && isAlone(client, only, own))
    return hub.calls.sendTo(client, { server: only, timeoutMs: only.spec.callTimeoutMs });
  const after = cursorOf(request.params?.['cursor']);
  if (after === undefined) {
    reply.refuse({ code: RPC.invalidParams, message: 'Invalid params: unknown cursor' });
    return undefined;
  }
  describeAll(hub, own, after).then(
    (result) => reply.result(result),
    (error: unknown) => {
      if (!(error instanceof Fault))
        hub.options.logger.error({ error: stackOf(error) }, 'defect_in_request');
      const internal = { code: RPC.internalError, message: 'Internal error' };
      reply.refuse(error instanceof Fault ? rpcErrorOf(error) : internal);
    },
  );
  return undefined;
}

/** Whether whatever a child of the server lists is this client's. */
const isAlone = ({ user }: ClientRequest, server: Upstream, own: readonly Task[]): boolean =>
  server.members.length === 1 &&
  server.seatKindFor(user.asker) !== 'shared' &&
  own.every(({ child }) => child?.seat.kind !== 'shared');

/** The number of the last task that the client has; 0 at the beginning. */
function cursorOf(cursor: unknown): number | undefined {
  if (cursor === undefined) return 0;
  return typeof cursor === 'string' && /^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined;
}

async function describeAll(hub: Hub, own: readonly Task[], after: number): Promise<JsonObject> {
  const later = own.filter(({ number }) => number > after);
  const page = later.slice(0, PAGE_TASKS);
  const described = await Promise.all(page.map((task) => describe(hub, task)));
  const last = page.at(-1);
  const nextCursor =
    last !== undefined && later.length > page.length ? { nextCursor: String(last.number) } : {};
  return { tasks: described.filter((task) => task !== undefined), ...nextCursor };
}

/** What the server says of a task; undefined where it does not know it any more. @throws Fault */
async function describe(hub: Hub, { child, taskId }: Task): Promise<JsonObject | undefined> {
  if (child === undefined) return undefined;
  child.begin(GATEWAY);
  try {
    return await ask(child.connection, 'tasks/get', { taskId }, { timeoutMs: DESCRIBE_MS_MAX });
  } catch (error) {
    if (error instanceof RpcRefusal) return undefined;
    throw error;
  } finally {
    child.end(hub.options.clock.nowMs(), false);
  }
}
