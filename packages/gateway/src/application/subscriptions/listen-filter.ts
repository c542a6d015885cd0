/** What a `subscriptions/listen` asks for, and what its acknowledgement grants: `notifications` in the parameters of both. */
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ChangedList } from '../servers/child.ts';

export interface ListenFilter {
  readonly lists: readonly ChangedList[];
  readonly uris: ReadonlySet<string>;
  readonly taskIds: ReadonlySet<string>;
}

const FLAGS: Readonly<Record<ChangedList, string>> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
};
export const ALL_LISTS = Object.keys(FLAGS) as readonly ChangedList[];
const NONE: ReadonlySet<string> = new Set();

/** What members do not say in this form is not asked for, or not granted. */
export function filterIn(notifications: unknown): ListenFilter {
  if (!isObject(notifications)) return { lists: [], uris: NONE, taskIds: NONE };
  return {
    lists: ALL_LISTS.filter((list) => notifications[FLAGS[list]] === true),
    uris: textsIn(notifications['resourceSubscriptions']),
    taskIds: textsIn(notifications['taskIds']),
  };
}

const textsIn = (value: unknown): ReadonlySet<string> =>
  new Set(Array.isArray(value) ? value.filter((text) => typeof text === 'string') : []);

export const notificationsOf = ({ lists, uris, taskIds }: ListenFilter): JsonObject => ({
  ...Object.fromEntries(lists.map((list) => [FLAGS[list], true])),
  ...(uris.size === 0 ? {} : { resourceSubscriptions: [...uris] }),
  ...(taskIds.size === 0 ? {} : { taskIds: [...taskIds] }),
});
