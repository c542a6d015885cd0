/** Where a task is that a client names. */
import { RPC, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { declaresTasks, tasksNotDeclared } from '../../domain/protocol/tasks.ts';
import type { ClientRequest } from '../dispatch/call-path.ts';
import type { Hub } from '../dispatch/hub.ts';
import { unknownMethod } from '../dispatch/router.ts';
import type { Upstream } from '../servers/upstream.ts';
import { mayOfferTasks, offersTasks } from './offered-tasks.ts';
import { taskLost, taskNotFound } from './task-faults.ts';
import type { Task } from './task-table.ts';

export type TaskPlace =
  /** The task is not known where another gateway may have seen it made. */
  | { readonly kind: 'found'; readonly server: Upstream; readonly task: Task | undefined }
  | { readonly kind: 'refused'; readonly error: RpcError };

type Asking = Pick<ClientRequest, 'view' | 'user'>;

const refused = (error: RpcError): TaskPlace => ({ kind: 'refused', error });

/** @param method what the client asks, for the refusal of it */
export function placeOfTask(hub: Hub, client: Asking, method: string, taskId: unknown): TaskPlace {
  const { view, user } = client;
  const { era, capabilities } = user.asker;
  if (era === 'modern' && !declaresTasks(capabilities)) {
    const isOffered = offersTasks(hub, view) || mayOfferTasks(hub, view);
    return refused(isOffered ? tasksNotDeclared : unknownMethod(method));
  }
  if (typeof taskId !== 'string')
    return refused({ code: RPC.invalidParams, message: 'Invalid params: "taskId" is missing' });
  const { endpoint } = view;
  const servers = endpoint.prefixed === false ? endpoint.servers : hub.fleet.servers;
  const found = hub.tasks.find(user.asker, servers, taskId);
  switch (found.kind) {
    case 'task': {
      const { task } = found;
      // One of the modern era may have kept its tasks.
      if (task.hasEnded && era === 'legacy') return refused(taskLost(task.server.spec.id, taskId));
      return { kind: 'found', server: task.server, task };
    }
    case 'ambiguous':
      return refused(taskNotFound(taskId, 'several servers have given out this id'));
    case 'unknown': {
      const server = elsewhere(hub, client, taskId);
      if (server !== undefined) return { kind: 'found', server, task: undefined };
      const isOffered = offersTasks(hub, view);
      const why = 'it was made in another session, or is over for long';
      return refused(isOffered ? taskNotFound(taskId, why) : unknownMethod(method));
    }
  }
}

/** The server of one that alone can know an id; never where the id is another client's. */
function elsewhere(hub: Hub, { view, user }: Asking, taskId: string): Upstream | undefined {
  const only = view.endpoint.prefixed === false ? view.endpoint.servers[0] : undefined;
  if (user.asker.era === 'legacy' || only === undefined) return undefined;
  if (only.members.length > 1) return undefined;
  if (only.eraFor('modern') === 'legacy') return undefined;
  return hub.tasks.isForeign(user.asker, only, taskId) ? undefined : only;
}
