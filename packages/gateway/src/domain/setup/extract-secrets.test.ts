import { assert, describe, expect, it, test } from 'vitest';
import { convertEntry } from './convert-entry.ts';
import { entryOf } from './draft.ts';
import { unshownTexts, withoutSecrets } from './extract-secrets.ts';
import { maskLine } from './mask.ts';
import { SecretShelf } from './secret-names.ts';
import { isSecretField, looksSecret } from '../secret-signs.ts';

const GH = 'ghp_fixtureFixtureFixture0000000000000001';
const RANDOM = 'q8Zr2LwX9vTn4KcYb7Hd3MsJ6PfGa5Ue';

function hidden(
  id: string,
  entry: unknown,
): { readonly entry: unknown; readonly secrets: unknown } {
  const conversion = convertEntry(entry, {
    client: { variables: 'braces' },
    around: { home: '/home/ada', project: undefined, separator: '/' },
    inputs: new Map(),
    ownUrls: [],
  });
  assert(conversion.kind === 'server');
  const shelf = new SecretShelf({}, {});
  const draft = withoutSecrets(id, conversion.draft, shelf);
  return { entry: entryOf(draft), secrets: Object.fromEntries(shelf.added) };
}

describe('Secrets of a server', () => {
  it.each([
    [
      { command: 'x', env: { GITHUB_TOKEN: GH, DEBUG: '1', PATH: '/usr/bin' } },
      { command: 'x', env: { GITHUB_TOKEN: '${GITHUB_TOKEN}', DEBUG: '1', PATH: '/usr/bin' } },
      { GITHUB_TOKEN: GH },
    ],
    [
      { url: 'https://e.org/mcp', headers: { Authorization: 'Bearer abc', 'X-Team': 'core' } },
      {
        mode: 'remote',
        url: 'https://e.org/mcp',
        http: { headers: { Authorization: 'Bearer ${GITHUB_TOKEN}', 'X-Team': 'core' } },
      },
      { GITHUB_TOKEN: 'abc' },
    ],
    [
      { command: 'x', args: ['--api-key', 'k1', '--token=t1', '--max-tokens', '400', GH] },
      {
        command: 'x',
        args: [
          '--api-key',
          '${GITHUB_API_KEY}',
          '--token=${GITHUB_TOKEN}',
          '--max-tokens',
          '400',
          '${GITHUB_ARGUMENT}',
        ],
      },
      { GITHUB_API_KEY: 'k1', GITHUB_TOKEN: 't1', GITHUB_ARGUMENT: GH },
    ],
    [
      {
        command: 'npx',
        args: ['mcp-remote', 'https://e.org/mcp', '--header', 'Authorization: Bearer abc'],
      },
      {
        command: 'npx',
        args: [
          'mcp-remote',
          'https://e.org/mcp',
          '--header',
          'Authorization: Bearer ${GITHUB_TOKEN}',
        ],
      },
      { GITHUB_TOKEN: 'abc' },
    ],
    [
      { url: `https://e.org/s/${RANDOM}/mcp?api_key=k1&page=2` },
      {
        mode: 'remote',
        url: 'https://e.org/s/${GITHUB_URL_KEY}/mcp?api_key=${GITHUB_API_KEY}&page=2',
      },
      { GITHUB_URL_KEY: RANDOM, GITHUB_API_KEY: 'k1' },
    ],
    [
      { command: 'x', args: ['postgresql://u:pa55@db/x'] },
      { command: 'x', args: ['${GITHUB_ARGUMENT}'] },
      { GITHUB_ARGUMENT: 'postgresql://u:pa55@db/x' },
    ],
    [
      { command: 'x', env: { API_KEY: '${env:MINE}' }, args: ['-y', '@scope/package@1.2.3'] },
      { command: 'x', args: ['-y', '@scope/package@1.2.3'], env: { API_KEY: '${MINE:-}' } },
      {},
    ],
  ])('move out of %j', (entry, ours, secrets) => {
    expect(hidden('github', entry)).toEqual({ entry: ours, secrets });
  });
});

test.each([
  ['GITHUB_TOKEN', 'x1', true],
  ['apiKey', 'abc', true],
  ['DB_PASSWORD', 'hunter2', true],
  ['Authorization', 'abc', true],
  ['GOOGLE_APPLICATION_CREDENTIALS', '/home/ada/key.json', false],
  ['MAX_TOKENS', '4096', false],
  ['TOKEN_LIMIT', 'many', false],
  ['KEYBOARD', 'de', false],
  ['API_KEY', '', false],
  ['AUTH_ENABLED', 'true', false],
  ['API_KEY_FILE', 'secret-key', false],
  ['REGION', 'eu-central-1', false],
])('%s=%s is a secret: %s', (name, value, isSecret) => {
  expect(isSecretField(name, value)).toBe(isSecret);
});

test.each([
  [GH, true],
  [RANDOM, true],
  ['sk-ant-api03-abcdefghij', true],
  ['0123456789abcdef0123456789abcdef', true],
  ['@modelcontextprotocol/server-filesystem', false],
  ['6f1c2f64-7b1c-4c58-9a3e-8f4f5b0c1d2e', false],
  ['/home/ada/projects/a-long-folder-name-2026/x', false],
  ['--dangerously-skip-permissions-of-all', false],
])('%s looks secret: %s', (value, isSecret) => {
  expect(looksSecret(value)).toBe(isSecret);
});

test.each([
  [`      "GITHUB_TOKEN": "${GH}",`, '      "GITHUB_TOKEN": "•••",'],
  ['      "apiKey": "short"', '      "apiKey": "•••"'],
  ['bearer_token = "abcdef"', 'bearer_token = "•••"'],
  ['        Authorization: Bearer abc', '        Authorization: •••'],
  ['        Authorization: Bearer ${TOKEN}', '        Authorization: Bearer ${TOKEN}'],
  [`"args": ["--key=${GH}"]`, '"args": ["--key=•••"]'],
  ['  "url": "https://e.org/mcp",', '  "url": "https://e.org/mcp",'],
  ['known value inside', '••• inside'],
  ['"a": "Server=x;Password=y7y7y7;"', '"a": "Server=x;Password=•••"'],
  [String.raw`"{\"apiKey\":\"short\"}"`, String.raw`"{\"apiKey\":\"•••\"}"`],
  ['"--pw:short"', '"--pw:•••"'],
  ['- https://q7token@e.org/x', '- •••'],
  ['  command: npx', '  command: npx'],
])('the line %j is shown as %j', (line, shown) => {
  expect(maskLine(line, ['known value'])).toBe(shown);
});

test('texts that nobody can judge are not shown either', () => {
  const conversion = convertEntry(
    {
      command: 'x',
      args: ['-p', 'hunter2hunter2', '--tok=${T:-hunter4hunter4}', '--root', '/home/ada/files'],
      env: { PLAIN: 'hunter3hunter3', MODE: 'production', K: '${K:-hunter5hunter5}', N: 'a b' },
    },
    {
      client: { variables: 'braces' },
      around: { home: '/home/ada', project: undefined, separator: '/' },
      inputs: new Map(),
      ownUrls: [],
    },
  );
  assert(conversion.kind === 'server');
  expect(unshownTexts(conversion.draft).toSorted()).toEqual([
    'hunter2hunter2',
    'hunter3hunter3',
    'hunter4hunter4',
    'hunter5hunter5',
  ]);
});
