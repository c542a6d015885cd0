/** Where a request of a client goes that is for a server: requests about tasks go by the task. */
import type { Call } from '../calls/call.ts';
import type { ClientRequest } from '../dispatch/call-path.ts';
import type { Hub } from '../dispatch/hub.ts';
import { askAboutTask, callForTask, isAboutTask, mayMakeTask } from './task-calls.ts';
import { listTasks } from './task-list.ts';

/** Sends a request to its server. Undefined where it makes no call: it was refused, or is answered here. */
export function forwardRequest(hub: Hub, client: ClientRequest): Call | undefined {
  const { request, user } = client;
  const { era } = user.asker;
  if (mayMakeTask(request, user.asker)) return callForTask(hub, client);
  if (!request.method.startsWith('tasks/')) return hub.calls.forward(client);
  if (isAboutTask(request.method, era)) return askAboutTask(hub, client);
  if (request.method === 'tasks/list' && era === 'legacy') return listTasks(hub, client);
  return hub.calls.forward(client); // unknown, and refused there
}
