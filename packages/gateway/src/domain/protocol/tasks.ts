/** Tasks: part of revision 2025-11-25 on trial, an extension of 2026-07-28. The two have no common form. */
import { isObject, type JsonObject } from './json-rpc.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Whether a tool of a legacy server can be called as a task only. */
export const requiresTask = (tool: JsonObject): boolean =>
  isObject(tool['execution']) && tool['execution']['taskSupport'] === 'required';
