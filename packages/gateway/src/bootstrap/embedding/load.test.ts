import { expect, test } from 'vitest';
import { Fault } from '@mcp-hangar/kernel/errors';
import { loadText, loadValue } from './load.ts';

const LITERAL = ['${HOME}', '$${HOME}', 'a$$${b', '${', '$', 'x${A:-b}y'];

test('texts of a value are taken as they are', () => {
  const { config } = loadValue(
    { mcp_servers: { up: { command: ['up', ...LITERAL] } } },
    { HOME: '/h' },
  );
  expect(config.servers[0]?.launch).toMatchObject({ command: 'up', args: LITERAL });
});

test('no variable of the environment wins over a value, and one does over a text', () => {
  const env = { MCP_HTTP_PORT: '9999' };
  const value = { mcp_servers: {}, http: { port: 1 } };
  expect(loadValue(value, env).config.http.port).toBe(1);
  expect(loadText({ text: JSON.stringify(value) }, env).config.http.port).toBe(9999);
});

test('a problem of a value has its key and no line: nobody has seen one', () => {
  const wrong = { mcp_servers: { up: { command: ['up'], idle_ttl_s: -1 } } };
  const problem = (load: () => unknown): string => {
    try {
      load();
      return 'none';
    } catch (error) {
      return error instanceof Fault ? error.message : 'another';
    }
  };
  expect(problem(() => loadValue(wrong, {}))).toMatch(/^config: mcp_servers\.up\.idle_ttl_s: /);
  expect(problem(() => loadText({ text: JSON.stringify(wrong) }, {}))).toMatch(/^config:1:\d+: /);
});
