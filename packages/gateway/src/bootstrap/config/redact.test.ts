import { describe, expect, it } from 'vitest';
import { isInlineSecret, shown, shownLines } from './redact.ts';

const server = ['mcp_servers', 'a'] as const;

describe('A value', () => {
  it.each([
    [['env', 'TOKEN'], 'abc', '[secret]'],
    [['env', 'TOKEN'], '${TOKEN}', '${TOKEN}'],
    [['env', 'TOKEN'], '${TOKEN:-abc}', '[secret]'],
    [['env', 'DATABASE'], 'postgres://u:p@h/d', '[secret]'],
    [['env', 'LOG_LEVEL'], 'debug', 'debug'],
    [['env', 'PIN_TOKEN'], '1234', '[secret]'],
    [['http', 'headers', 'Authorization'], 'Bearer abc', '[secret]'],
    [['http', 'headers', 'Authorization'], 'Bearer ${T}', 'Bearer ${T}'],
    [['http', 'headers', 'Accept-Language'], 'de, en;q=0.5', 'de, en;q=0.5'],
    [['auth', 'type'], 'bearer', 'bearer'],
    [['auth', 'bearer_token'], 'abc', '[secret]'],
    [['auth', 'api_key_header'], 'X-Key', 'X-Key'],
    [['auth', 'key'], 'abc', '[secret]'],
    [['args', 0], '--token=abc', '--token=[secret]'],
    [['args', 0], '--token=${T}', '--token=${T}'],
    [['args', 0], 'GITHUB_TOKEN=abc', 'GITHUB_TOKEN=[secret]'],
    [['args', 0], 'ghp_0123456789abcdefABCDEF', '[secret]'],
    [['args', 0], '@scope/server-token', '@scope/server-token'],
    [['url'], 'https://h/mcp?key=abc&x=${X}#f', 'https://h/mcp?key=[secret]&x=${X}#f'],
    [['args', 0], 'redis://u:p%20q@h', 'redis://u:[secret]@h'],
  ])('at %j that says %j is shown as %j', (path, written, expected) => {
    expect(shown([...server, ...path], written)).toBe(expected);
  });

  it('behind a flag that names a secret is hidden', () => {
    expect(shown([...server, 'args', 1], 'abc', '--api-key')).toBe('[secret]');
    expect(shown([...server, 'args', 1], 'abc', '--path')).toBe('abc');
  });

  it('that is put into a file is told apart by its name or its look', () => {
    const secret = [
      ['TOKEN', 'abc'],
      ['X', 'sk-0123456789abcdef0123'],
      ['X', '0123456789abcdef0123456789abcdef'],
      ['X', 'postgres://u:p@h/d'],
      ['Authorization', 'Bearer abc'],
    ] as const;
    const harmless = [
      ['TOKEN', '${TOKEN}'],
      ['LOG_LEVEL', 'debug'],
      ['ROOT', '/home/ada'],
      ['Authorization', 'Bearer ${TOKEN}'],
      ['TOKEN_CACHE', 'true'],
    ] as const;
    expect(secret.filter(([name, value]) => !isInlineSecret(name, value))).toEqual([]);
    expect(harmless.filter(([name, value]) => isInlineSecret(name, value))).toEqual([]);
  });
});

describe('The lines of a text', () => {
  it('are shown without secrets, and are as many as before', () => {
    const text = [
      '# was sk-0123456789abcdef0123',
      'mcp_servers:',
      '  a:',
      '    command: [x, --token, "hunter2", -v]',
      '    env:',
      "      A: 'hunter2' # note",
      '      PIN: 12345678',
      '      KEY: |',
      '        hunter2',
      '',
      '        hunter3',
      '      OK: ${OK}',
      'http: { port: 1 }',
      '',
    ];
    expect(shownLines(text.join('\n'))).toEqual([
      '# was [secret]',
      'mcp_servers:',
      '  a:',
      '    command: [x, --token, "[secret]", -v]',
      '    env:',
      "      A: '[secret]' # note",
      '      PIN: [secret]',
      '      KEY: |',
      '        [secret]',
      '',
      '        [secret]',
      '      OK: ${OK}',
      'http: { port: 1 }',
      '',
    ]);
  });
});
