import { expect, test } from 'vitest';
import { withEnvFile, withSecrets } from './file-texts.ts';

test.each([
  ['# head\n\nmcp_servers:\n  a: {}\n', '# head\n\nenv_file: s.env\n\nmcp_servers:\n  a: {}\n'],
  ['---\r\nhttp:\r\n  port: 1\r\n', '---\r\nenv_file: s.env\r\n\r\nhttp:\r\n  port: 1\r\n'],
  ['{ "mcp_servers": {} }\n', '{\n  "env_file": "s.env", "mcp_servers": {} }\n'],
  ['"mcp_servers": {}\n', 'env_file: s.env\n\n"mcp_servers": {}\n'],
])('%j names its file of secrets before everything else', (text, done) => {
  expect(withEnvFile(text, 's.env')).toBe(done);
});

test('a file of secrets grows at its end', () => {
  const made = withSecrets(undefined, new Map([['A', '1']]), ['B']);
  expect(made).toMatch(/^# Secrets[^]*\nA=1\n# B=\n$/);
  expect(withSecrets('X=1', new Map([['A', 'b c']]), [])).toBe("X=1\nA='b c'\n");
  expect(withSecrets(made, new Map(), ['B'])).toBe(made);
});
