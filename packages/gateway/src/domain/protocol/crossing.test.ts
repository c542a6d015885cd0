import { describe, expect, it } from 'vitest';
import { cannotCross } from './crossing.ts';

const OUTSIDE = 'requests of the server outside tools/call, prompts/get and resources/read';
const features = (server: Parameters<typeof cannotCross>[0]): readonly string[] =>
  cannotCross(server).map(({ clients, feature }) => `${clients}: ${feature}`);

describe('what does not cross the eras', () => {
  it('is nothing of a server that speaks both', () => {
    const hello = {
      capabilities: { tasks: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
    };
    expect(cannotCross({ speaks: ['legacy', 'modern'], hello, tools: [] })).toEqual([]);
  });

  it('is not claimed of a server that nobody has asked yet', () => {
    expect(cannotCross({ speaks: [], hello: undefined, tools: [] })).toEqual([]);
  });

  it('names the tools of a legacy server that need a task, its tasks, and what comes outside a request', () => {
    const tools = [
      { name: 'slow', execution: { taskSupport: 'required' } },
      { name: 'either', execution: { taskSupport: 'optional' } },
      { name: 'quick' },
    ];
    const hello = { capabilities: { tools: {}, logging: {}, tasks: { list: {}, cancel: {} } } };
    expect(features({ speaks: ['legacy'], hello, tools })).toEqual([
      'modern: tool "slow"',
      'modern: tasks, tasks/list and tasks/result among them',
      'modern: log messages outside a request',
      `modern: ${OUTSIDE}`,
    ]);
  });

  it('says of a legacy server of which little is known what is true of all', () => {
    expect(features({ speaks: ['legacy'], hello: undefined, tools: [] })).toEqual([
      `modern: ${OUTSIDE}`,
    ]);
  });

  it('names the extensions of a legacy server, which hears of them at its start only', () => {
    const hello = { capabilities: { extensions: { 'org.example/maps': {} } } };
    expect(features({ speaks: ['legacy'], hello, tools: [] })).toEqual([
      'modern: extension org.example/maps',
      `modern: ${OUTSIDE}`,
    ]);
  });

  it('names the tasks of a modern server; what else is declared with each request is passed on', () => {
    const extensions = { 'io.modelcontextprotocol/tasks': {}, 'org.example/maps': {} };
    const hello = { capabilities: { tools: {}, extensions } };
    expect(features({ speaks: ['modern'], hello, tools: [] })).toEqual([
      'legacy: tasks, and tools that run as tasks only',
    ]);
  });

  it('is nothing of a modern server without tasks', () => {
    const hello = { capabilities: { tools: {}, resources: {}, logging: {} } };
    expect(cannotCross({ speaks: ['modern'], hello, tools: [] })).toEqual([]);
  });

  it('gives a reason for each', () => {
    const hello = { capabilities: { tasks: {}, extensions: { x: {} } } };
    for (const { reason } of cannotCross({ speaks: ['legacy'], hello, tools: [] }))
      expect(reason).toMatch(/2026-07-28/);
  });
});
