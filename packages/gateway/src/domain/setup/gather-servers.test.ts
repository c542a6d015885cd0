import { assert, describe, expect, it } from 'vitest';
import { convertEntry } from './convert-entry.ts';
import type { ServerDraft } from './draft.ts';
import { type FoundServer, gatherServers, type Gathered, validId } from './gather-servers.ts';
import { SecretShelf } from './secret-names.ts';

function draft(entry: unknown): ServerDraft {
  const conversion = convertEntry(entry, {
    client: { variables: 'braces' },
    around: { home: '/home/ada', project: undefined, separator: '/' },
    inputs: new Map(),
    ownUrls: [],
  });
  assert(conversion.kind === 'server');
  return conversion.draft;
}

const found = (client: string, name: string, entry: unknown): FoundServer => ({
  client,
  name,
  draft: draft(entry),
});

const TOKEN = 'ghp_fixtureFixtureFixture0000000000000001';
const GITHUB = { command: 'docker', args: ['run', 'github'], env: { GITHUB_TOKEN: TOKEN } };

function gather(
  servers: readonly FoundServer[],
  existing: Readonly<Record<string, unknown>> = {},
  stored: Readonly<Record<string, string>> = {},
): { readonly gathered: readonly Gathered[]; readonly secrets: Record<string, string> } {
  const names = new SecretShelf(stored, {});
  const gathered = gatherServers(servers, { existing, stored, names });
  return { gathered, secrets: Object.fromEntries(names.added) };
}

const ids = (gathered: readonly Gathered[]): readonly string[] =>
  gathered.map(({ kind, id }) => `${kind} ${id}`);

describe('Servers of several clients', () => {
  it('that are the same become one, whatever their names', () => {
    const { gathered } = gather([
      found('a', 'x', { command: 'npx', args: ['x'] }),
      found('b', 'x', { command: 'npx', args: ['x'] }),
      found('c', 'y', { command: 'npx', args: ['x'], description: 'the same' }),
    ]);
    expect(ids(gathered)).toEqual(['new x', 'same x', 'same x']);
  });

  it('that share a name only get ids of their own', () => {
    const { gathered } = gather([
      found('cursor', 'x', { command: 'a' }),
      found('zed', 'x', { command: 'b' }),
      found('zed', 'x', { command: 'c' }),
    ]);
    expect(ids(gathered)).toEqual(['new x', 'new x-zed', 'new x-zed-2']);
  });

  it('is on where it is on in one of them', () => {
    const { gathered } = gather([
      found('a', 'x', { command: 'a', disabled: true }),
      found('b', 'x', { command: 'a' }),
      found('b', 'y', { command: 'y', disabled: true }),
    ]);
    expect(gathered).toMatchObject([
      { entry: { command: 'a' } },
      { kind: 'same' },
      { entry: { enabled: false } },
    ]);
    expect(gathered[0]).not.toHaveProperty('entry.enabled');
  });

  it('are found again in a configuration, also with their secrets moved', () => {
    const first = gather([found('a', 'github', GITHUB)]);
    expect(first.secrets).toEqual({ GITHUB_TOKEN: TOKEN });
    const [github] = first.gathered;
    assert(github?.kind === 'new');
    expect(github.entry).toMatchObject({ env: { GITHUB_TOKEN: '${GITHUB_TOKEN}' } });
    const again = gather(
      [found('b', 'gh', GITHUB), found('a', 'x', { command: 'npx', args: ['x'] })],
      { github: github.entry, mine: { command: ['npx', 'x'] } },
      first.secrets,
    );
    expect(ids(again.gathered)).toEqual(['same github', 'same mine']);
    expect(again.secrets).toEqual({});
  });

  it('with the same name and other secrets are two', () => {
    const other = { ...GITHUB, env: { GITHUB_TOKEN: `${TOKEN}2` } };
    const { gathered, secrets } = gather([
      found('a', 'github', GITHUB),
      found('b', 'github', other),
    ]);
    expect(ids(gathered)).toEqual(['new github', 'new github-b']);
    expect(secrets).toEqual({ GITHUB_TOKEN: TOKEN, GITHUB_B_GITHUB_TOKEN: `${TOKEN}2` });
  });
});

describe('The name of a secret', () => {
  it('is another where the environment or the file has it with another value', () => {
    const shelf = new SecretShelf({ A_KEY: '1' }, { A_TOKEN: 'other', A_SAME: 'x' });
    expect(shelf.nameFor('A_KEY', '1')).toBe('A_KEY');
    expect(shelf.nameFor('A_KEY', '2')).toBe('A_KEY_2');
    expect(shelf.nameFor('A_KEY', '2')).toBe('A_KEY_2');
    expect(shelf.nameFor('A_TOKEN', 'x')).toBe('A_TOKEN_2');
    expect(shelf.nameFor('A_SAME', 'x')).toBe('A_SAME');
    expect(shelf.nameFor('9_KEY', 'x')).toBe('_9_KEY');
    expect(Object.fromEntries(shelf.added)).toEqual({
      A_KEY_2: '2',
      A_TOKEN_2: 'x',
      A_SAME: 'x',
      _9_KEY: 'x',
    });
  });
});

describe('An id', () => {
  it.each([
    ['github', 'github'],
    ['microsoft/playwright-mcp', 'microsoft-playwright-mcp'],
    ['Über Süß 2', 'Uber-Su-2'],
    ['a__b_', 'a_b'],
    ['2go', 'go'],
    ['日本', 'server'],
    ['x'.repeat(80), 'x'.repeat(64)],
  ])('for %j is %j', (name, id) => {
    expect(validId(name)).toBe(id);
    expect(id).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
  });
});
