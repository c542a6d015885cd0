import { describe, expect, it } from 'vitest';
import {
  createdTask,
  declaresTasks,
  mayCreateTask,
  taskCapabilities,
  tasksNotDeclared,
  wantsTasks,
  withoutTasks,
} from './tasks.ts';

const EXTENSION = 'io.modelcontextprotocol/tasks';

describe('capabilities', () => {
  it('declare the extension by its name', () => {
    expect(declaresTasks({ extensions: { [EXTENSION]: {} } })).toBe(true);
    expect(declaresTasks({ extensions: { other: {} } })).toBe(false);
    expect(declaresTasks({ extensions: 'all' })).toBe(false);
    expect(declaresTasks({ tasks: {} })).toBe(false);
  });

  it('offer the tasks of one era', () => {
    const both = { tools: {}, tasks: { list: {} }, extensions: { [EXTENSION]: {}, other: {} } };
    expect(taskCapabilities(both, 'legacy')).toEqual({ tasks: { list: {} } });
    expect(taskCapabilities(both, 'modern')).toEqual({ extensions: { [EXTENSION]: {} } });
    expect(taskCapabilities({ tools: {} }, 'legacy')).toEqual({});
    expect(taskCapabilities({ tools: {} }, 'modern')).toEqual({});
  });

  it('lose the tasks of either era on their way to the other, and nothing else', () => {
    const both = { tools: {}, tasks: {}, extensions: { [EXTENSION]: {}, other: { a: 1 } } };
    expect(withoutTasks(both)).toEqual({ tools: {}, extensions: { other: { a: 1 } } });
    expect(withoutTasks({ extensions: { [EXTENSION]: {} } })).toEqual({});
    expect(withoutTasks({ tools: {} })).toEqual({ tools: {} });
  });
});

describe('a result', () => {
  it('of the legacy era is a task by its member', () => {
    const task = { taskId: 't', status: 'working', ttl: 5 };
    expect(createdTask({ task }, 'legacy')).toEqual({ taskId: 't', isOver: false, ttlMs: 5 });
    expect(createdTask({ task: { ...task, ttl: null, status: 'failed' } }, 'legacy')).toEqual({
      taskId: 't',
      isOver: true,
      ttlMs: undefined,
    });
    for (const other of [{ content: [] }, { task: 't' }, { task: { taskId: 7 } }, null, task])
      expect(createdTask(other, 'legacy')).toBeUndefined();
  });

  it('of the modern era is a task by its type', () => {
    const task = { resultType: 'task', taskId: 't', status: 'completed', ttlMs: 5 };
    expect(createdTask(task, 'modern')).toEqual({ taskId: 't', isOver: true, ttlMs: 5 });
    for (const other of [{ ...task, resultType: 'complete' }, { task }, { resultType: 'task' }])
      expect(createdTask(other, 'modern')).toBeUndefined();
  });

  it.each([
    ['{"result":{"resultType":"task"}}', true],
    ['{"result":{"resultType" : "task"}}', true],
    ['{"result":{"resultType":"complete","content":[{"text":"task"}]}}', false],
    [String.raw`{"result":{"content":[{"text":"\"resultType\":\"task\""}]}}`, false],
    ['{"result":{}}', false],
  ])('is looked into only where its text may hold one: %s', (text, expected) => {
    expect(mayCreateTask(text)).toBe(expected);
  });
});

describe('a refusal', () => {
  it('for want of the extension is known by what it requires', () => {
    expect(wantsTasks(tasksNotDeclared)).toBe(true);
    expect(wantsTasks({ code: -32_021 })).toBe(false);
    const roots = { requiredCapabilities: { roots: {} } };
    expect(wantsTasks({ code: -32_021, data: roots })).toBe(false);
    expect(wantsTasks({ code: -32_602, data: tasksNotDeclared.data })).toBe(false);
  });
});
