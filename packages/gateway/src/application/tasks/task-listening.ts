/** States of tasks that a modern client hears of on a `subscriptions/listen` of its own. */
import { latin1 } from '../byte-text.ts';
import { isObject, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { splice } from '../../domain/protocol/json-spans.ts';
import { META } from '../../domain/protocol/revisions.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import { declaresTasks, TASKS_EXTENSION, tasksNotDeclared } from '../../domain/protocol/tasks.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import type { Child, ServerNotification } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import { ListenStream } from '../subscriptions/listen-stream.ts';
import { offersTasks } from './offered-tasks.ts';
import { placeOfTask } from './task-place.ts';

/** How long a server may take to acknowledge what it will tell. */
const ACKNOWLEDGE_MS_MAX = 10_000;
const IDS_MAX = 1_000;
/** What servers tell before the client has its acknowledgement; the latest counts. */
const EARLY_MAX = 256;
const NONE: ReadonlySet<string> = new Set();

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
  readonly server: Upstream;
  readonly child: Child | undefined;
  readonly taskIds: Set<string>;
}

/** Why a filter with tasks is refused; undefined where it is not. */
export function refusedTaskFilter(
  hub: Hub,
  { view, user }: Pick<TaskListener, 'view' | 'user'>,
): RpcError | undefined {
  if (declaresTasks(user.asker.capabilities)) return undefined;
  return offersTasks(hub, view) ? tasksNotDeclared : undefined;
}

export class TaskListening {
  readonly #hub: Hub;
  readonly #listener: TaskListener;
  readonly #upstream: { readonly child: Child; readonly stream: ListenStream }[] = [];
  /** What waits for the acknowledgement; undefined once the client has that. */
  #early: string[] | undefined = [];
  #isClosed = false;

  constructor(hub: Hub, listener: TaskListener) {
    this.#hub = hub;
    this.#listener = listener;
  }

  /** The ids that servers will tell about, of those that the client asks for. Never rejects. */
  async open(wanted: ReadonlySet<string>): Promise<readonly string[]> {
    if (wanted.size === 0 || !declaresTasks(this.#listener.user.asker.capabilities)) return [];
    const groups: Group[] = [];
    for (const taskId of [...wanted].slice(0, IDS_MAX)) {
      const place = placeOfTask(this.#hub, this.#listener, 'subscriptions/listen', taskId);
      if (place.kind === 'refused') continue;
      const { server, task } = place;
      const own = groups.find((group) => group.server === server && group.child === task?.child);
      if (own === undefined)
        groups.push({ server, child: task?.child, taskIds: new Set([taskId]) });
      else own.taskIds.add(taskId);
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
    for (const { child, stream } of this.#upstream.splice(0)) {
      child.pins -= 1;
      stream.close();
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

  #listenOn(child: Child, taskIds: ReadonlySet<string>): Promise<readonly string[]> {
    return new Promise((resolve) => {
      let isHonoured = false;
      const timer = setTimeout(() => resolve([]), ACKNOWLEDGE_MS_MAX);
      const acknowledge = (honoured: ReadonlySet<string>): void => {
        clearTimeout(timer);
        isHonoured = honoured.size > 0;
        resolve([...honoured]);
      };
      const wanted = { lists: [], uris: NONE, taskIds };
      const stream = new ListenStream(
        child.connection,
        { wanted, meta: this.#meta },
        {
          acknowledged: (_stream, honoured) => acknowledge(honoured.taskIds),
          told: (_stream, notification) => {
            if (notification.method === 'notifications/tasks') this.#passOn(notification);
          },
          ended: () => {
            if (!isHonoured) acknowledge(NONE);
            else if (!this.#isClosed) this.#listener.onEnd();
          },
        },
      );
      stream.open();
      child.pins += 1;
      this.#upstream.push({ child, stream });
    });
  }

  /** The extension is declared, which the gateway's own requests do not. */
  get #meta(): JsonObject {
    const { _meta: meta } = this.#hub.options.modernMeta;
    const capabilities = { extensions: { [TASKS_EXTENSION]: {} } };
    return { _meta: { ...(isObject(meta) ? meta : {}), [META.clientCapabilities]: capabilities } };
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
