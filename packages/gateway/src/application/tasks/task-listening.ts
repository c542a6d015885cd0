/** States of tasks that a modern client hears of on a `subscriptions/listen` of its own. */
import { isObject, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { splice } from '../../domain/protocol/json-spans.ts';
import { META } from '../../domain/protocol/revisions.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import { declaresTasks, TASKS_EXTENSION, tasksNotDeclared } from '../../domain/protocol/tasks.ts';
import { routingOf, utf8Text } from '../calls/ask.ts';
import { latin1 } from '../calls/call.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import type { UpstreamCall } from '../ports.ts';
import type { Child, ServerNotification } from '../servers/child.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import { offersTasks, placeOfTask } from './task-place.ts';

/** How long a server may take to acknowledge what it will tell. */
const ACKNOWLEDGE_MS_MAX = 10_000;
const IDS_MAX = 1_000;
/** What servers tell before the client has its acknowledgement; the latest counts. */
const EARLY_MAX = 256;

export interface TaskListener {
  readonly view: View;
  readonly user: ServerUser;
  /** The id of the client's request. */
  readonly subscriptionId: string | number;
  /** Gets a notification as the client reads it. */
  readonly send: (message: string) => void;
  /** A server tells no more: what it said last may be old. */
  readonly onEnd: () => void;
}

/** The tasks of one child, or of any connection to a server. */
interface Group {
  readonly server: McpServer;
  readonly child: Child | undefined;
  readonly taskIds: string[];
}

/** Why a filter with tasks is refused; undefined where it is not. */
export function refusedTaskFilter(
  hub: Hub,
  { view, user }: Pick<TaskListener, 'view' | 'user'>,
  wanted: unknown,
): RpcError | undefined {
  if (wanted === undefined || declaresTasks(user.asker.capabilities)) return undefined;
  return offersTasks(hub, view) ? tasksNotDeclared : undefined;
}

export class TaskListening {
  readonly #hub: Hub;
  readonly #listener: TaskListener;
  readonly #upstream: { readonly child: Child; readonly id: number }[] = [];
  /** What waits for the acknowledgement; undefined once the client has that. */
  #early: string[] | undefined = [];
  #isClosed = false;

  constructor(hub: Hub, listener: TaskListener) {
    this.#hub = hub;
    this.#listener = listener;
  }

  /** The ids that servers will tell about, of those that the client asks for. Never rejects. */
  async open(wanted: unknown): Promise<readonly string[]> {
    const ids = Array.isArray(wanted) ? wanted.filter((id) => typeof id === 'string') : [];
    const { asker } = this.#listener.user;
    if (ids.length === 0 || !declaresTasks(asker.capabilities)) return [];
    const groups: Group[] = [];
    for (const taskId of new Set(ids.slice(0, IDS_MAX))) {
      const place = placeOfTask(this.#hub, this.#listener, 'subscriptions/listen', taskId);
      if (place.kind === 'refused') continue;
      const { server, task } = place;
      const own = groups.find((group) => group.server === server && group.child === task?.child);
      if (own === undefined) groups.push({ server, child: task?.child, taskIds: [taskId] });
      else own.taskIds.push(taskId);
    }
    const honoured = await Promise.all(groups.map((group) => this.#listenTo(group)));
    return honoured.flat();
  }

  /** The client has its acknowledgement, which comes first. */
  acknowledged(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#listener.send(message);
  }

  close(): void {
    this.#isClosed = true;
    for (const { child, id } of this.#upstream.splice(0)) {
      child.pins -= 1;
      child.connection.cancel(id, 'the client does not listen any more');
    }
  }

  async #listenTo({ server, child: known, taskIds }: Group): Promise<readonly string[]> {
    try {
      const child = known ?? (await server.take(this.#listener.user));
      try {
        if (child.seat.era !== 'modern' || this.#isClosed) return [];
        return await this.#listenOn(child, taskIds);
      } finally {
        // From here on its pin keeps it running.
        if (known === undefined) child.end(this.#hub.options.clock.nowMs(), false);
      }
    } catch {
      return []; // not acknowledged: the client sees that it will hear nothing
    }
  }

  #listenOn(child: Child, taskIds: readonly string[]): Promise<readonly string[]> {
    return new Promise((resolve) => {
      let isHonoured = false;
      const timer = setTimeout(() => resolve([]), ACKNOWLEDGE_MS_MAX);
      const acknowledge = (honoured: readonly string[]): void => {
        clearTimeout(timer);
        isHonoured = honoured.length > 0;
        resolve(honoured);
      };
      const ended = (): void => {
        if (!isHonoured) acknowledge([]);
        else if (!this.#isClosed) this.#listener.onEnd();
      };
      const call: UpstreamCall = {
        parts: [
          '{"jsonrpc":"2.0","id":',
          `,"method":"subscriptions/listen",${this.#params(taskIds)}}`,
        ],
        routing: routingOf('subscriptions/listen'),
        answered: ended,
        lost: ended,
        notified: (message) => {
          if (message.kind !== 'notification') return;
          if (message.method === 'notifications/subscriptions/acknowledged')
            acknowledge(acknowledged(message));
          else if (message.method === 'notifications/tasks') this.#passOn(message);
        },
      };
      const id = child.connection.send(call);
      child.pins += 1;
      this.#upstream.push({ child, id });
    });
  }

  #params(taskIds: readonly string[]): string {
    const { _meta: meta } = this.#hub.options.modernMeta;
    const params = {
      notifications: { taskIds },
      _meta: {
        ...(isObject(meta) ? meta : {}),
        [META.clientCapabilities]: { extensions: { [TASKS_EXTENSION]: {} } },
      },
    };
    return `"params":${JSON.stringify(params)}`;
  }

  #passOn({ line }: ServerNotification): void {
    if (this.#isClosed) return;
    const text = latin1(JSON.stringify(this.#listener.subscriptionId));
    const edit = { slot: SERVER_SLOT.subscriptionId, text };
    const message = splice(line.text, line.spans, [edit]);
    if (this.#early === undefined) this.#listener.send(message);
    else if (this.#early.push(message) > EARLY_MAX) this.#early.shift();
  }
}

function acknowledged({ line }: ServerNotification): readonly string[] {
  const honoured = filterIn(line.text)['taskIds'];
  return Array.isArray(honoured) ? honoured.filter((id) => typeof id === 'string') : [];
}

function filterIn(line: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(utf8Text([line]));
    const params = isObject(parsed) ? parsed['params'] : undefined;
    const filter = isObject(params) ? params['notifications'] : undefined;
    return isObject(filter) ? filter : {};
  } catch {
    return {}; // no JSON
  }
}
