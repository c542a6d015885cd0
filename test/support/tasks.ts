/** Tasks as clients of both eras ask for them. */
import { modern, modernCall, type LegacyClient, type ModernOptions } from './clients.ts';
import type { Exchange, Message } from './http.ts';
import { until } from './until.ts';

export const EXTENSION = 'io.modelcontextprotocol/tasks';
/** What a modern client declares that knows tasks. */
export const KNOWS_TASKS = { extensions: { [EXTENSION]: {} } };

/** Calls a tool as a task of a session. */
export const legacyTask = (
  client: LegacyClient,
  name: string,
  args: unknown = {},
  ttl = 60_000,
): Exchange => client.request('tools/call', { name, arguments: args, task: { ttl } });

/** The id of the task that an answer stands for. */
export function taskIdOf({ result, error }: Message): string {
  const task = result?.['resultType'] === 'task' ? result : result?.['task'];
  const id =
    typeof task === 'object' && task !== null && 'taskId' in task ? task.taskId : undefined;
  if (typeof id !== 'string') throw new Error(`No task: ${JSON.stringify(result ?? error)}`);
  return id;
}

/** Begins a task that works for a minute, and answers its id. */
export const longTask = async (client: LegacyClient, prefix = ''): Promise<string> =>
  taskIdOf(await legacyTask(client, `${prefix}slow_compute`, { seconds: 60 }).answer());

export const about = (client: LegacyClient, what: string, taskId: string): Promise<Message> =>
  client.request(`tasks/${what}`, { taskId }).answer();

/** The ids that `tasks/list` answers. */
export async function listed(client: LegacyClient): Promise<readonly string[]> {
  const { result, error } = await client.request('tasks/list').answer();
  const tasks = result?.['tasks'];
  if (!Array.isArray(tasks)) throw new Error(`No list: ${JSON.stringify(error)}`);
  return tasks.map((task) => taskIdOf({ jsonrpc: '2.0', result: { task } }));
}

/** A request about a task of the modern era. */
export const modernAbout = (
  url: string,
  what: string,
  taskId: string,
  { params, ...options }: ModernOptions & { readonly params?: Record<string, unknown> } = {},
): Promise<Message> =>
  modern(
    url,
    `tasks/${what}`,
    { taskId, ...params },
    { capabilities: KNOWS_TASKS, ...options },
  ).answer();

/** Calls a tool for a client that knows tasks. */
export const modernTask = (
  url: string,
  name: string,
  args: unknown = {},
  options: ModernOptions = {},
): Promise<Message> =>
  modernCall(url, name, args, { capabilities: KNOWS_TASKS, ...options }).answer();

/** Waits for a state of a modern task. */
export const reached = (url: string, taskId: string, status: string): Promise<Message> =>
  until(`the task is ${status}`, async () => {
    const message = await modernAbout(url, 'get', taskId);
    return message.result?.['status'] === status ? message : undefined;
  });
