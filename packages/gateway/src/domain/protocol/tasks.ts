/** Tasks: part of revision 2025-11-25 on trial, an extension of 2026-07-28. The two have no common form. */
import { isObject, RPC, type JsonObject, type RpcError } from './json-rpc.ts';
import type { Era } from './revisions.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Whether a tool of a legacy server can be called as a task only. */
export const requiresTask = (tool: JsonObject): boolean =>
  isObject(tool['execution']) && tool['execution']['taskSupport'] === 'required';

/** Whether capabilities, of a client or a server, declare the extension. */
export const declaresTasks = (capabilities: JsonObject): boolean =>
  isObject(capabilities['extensions']) && capabilities['extensions'][TASKS_EXTENSION] !== undefined;

/** What a server offers of tasks to clients of its era, as members of its capabilities. */
export function taskCapabilities(capabilities: JsonObject, era: Era): JsonObject {
  if (era === 'legacy')
    return isObject(capabilities['tasks']) ? { tasks: capabilities['tasks'] } : {};
  if (!declaresTasks(capabilities) || !isObject(capabilities['extensions'])) return {};
  return { extensions: { [TASKS_EXTENSION]: capabilities['extensions'][TASKS_EXTENSION] } };
}

/** Capabilities, of a client or a server, as they may be told to the other era. */
export function withoutTasks(capabilities: JsonObject): JsonObject {
  const { tasks: _tasks, extensions, ...rest } = capabilities;
  if (!isObject(extensions)) return extensions === undefined ? rest : { ...rest, extensions };
  const { [TASKS_EXTENSION]: _extension, ...others } = extensions;
  return Object.keys(others).length === 0 ? rest : { ...rest, extensions: others };
}

/** A task as its server describes it. */
export interface DescribedTask {
  readonly taskId: string;
  readonly isOver: boolean;
  /** From its creation; undefined where the server sets no limit. */
  readonly ttlMs: number | undefined;
}

/** The task that a result stands for; undefined for any other result. */
export function createdTask(result: unknown, era: Era): DescribedTask | undefined {
  if (!isObject(result)) return undefined;
  if (era === 'legacy') return describedTask(result['task'], era);
  return result['resultType'] === 'task' ? describedTask(result, era) : undefined;
}

/** What a server says of a task; undefined for what is none. */
export function describedTask(task: unknown, era: Era): DescribedTask | undefined {
  if (!isObject(task) || typeof task['taskId'] !== 'string') return undefined;
  const ttl = era === 'legacy' ? task['ttl'] : task['ttlMs'];
  return {
    taskId: task['taskId'],
    isOver: OVER.has(task['status']),
    ttlMs: typeof ttl === 'number' && ttl >= 0 ? ttl : undefined,
  };
}

const OVER: ReadonlySet<unknown> = new Set(['completed', 'failed', 'cancelled']);

/** Whether a text may hold a result that stands for a task. Most do not, and are read no further. */
export const mayCreateTask = (text: string): boolean =>
  text.includes('"resultType"') && /"resultType"\s*:\s*"task"/.test(text);

/** A request that needs the extension, from a client that did not declare it. */
export const tasksNotDeclared: RpcError = {
  code: RPC.missingCapability,
  message: `Missing required client capability: ${TASKS_EXTENSION}`,
  data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
};

/** Whether a server refused because the extension was not declared to it. */
export function wantsTasks({ code, data }: Pick<RpcError, 'code' | 'data'>): boolean {
  if (code !== RPC.missingCapability || !isObject(data)) return false;
  const required = data['requiredCapabilities'];
  return isObject(required) && declaresTasks(required);
}
