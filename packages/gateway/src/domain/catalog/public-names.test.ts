import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ownedUri,
  PUBLIC_NAME_MAX,
  publicName,
  splitOwnedUri,
  splitPublicName,
} from './public-names.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const named = (server: string, name: string): string => publicName(server, name, hash);

const LETTERS = Array.from('ABCXYZabcxyz');
const NAME_CHARS = [...LETTERS, ...Array.from('0189_-./')];
const anyId = fc
  .tuple(
    fc.constantFrom(...LETTERS),
    fc.string({ unit: fc.constantFrom(...LETTERS, '0', '1', '_', '-'), maxLength: 63 }),
  )
  .map(([first, rest]) => first + rest)
  .filter((id) => !id.includes('__') && !id.endsWith('_'));
const anyName = fc.string({
  unit: fc.constantFrom(...NAME_CHARS),
  minLength: 1,
  maxLength: 128,
  size: 'max',
});

describe('a public name', () => {
  test('is at most 64 characters of those that were there, whatever id and name are', () => {
    expect(PUBLIC_NAME_MAX).toBe(64);
    fc.assert(
      fc.property(anyId, anyName, (server, name) => {
        expect(named(server, name)).toMatch(/^[A-Za-z0-9_./-]{1,64}$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is the server, two underscores and the name, where that fits', () => {
    expect(named('github', 'create_issue')).toBe('github__create_issue');
    const name = 'x'.repeat(64 - 'github__'.length);
    expect(named('github', name)).toBe(`github__${name}`);
  });

  test('that would be longer keeps a readable beginning, and a hash of the whole', () => {
    expect(named('github', 'list_'.repeat(20))).toBe(
      'github__list_list_list_list_list_list_list_list_list_li_7c7ef4ca',
    );
    expect(named('a-server-with-a-rather-long-name', 'create_pull_request_with_a_review')).toBe(
      'a-server-with-a-d2f31115__create_pull_request_with_a_re_fcd21797',
    );
  });

  test('is the same each time, and another for every other tool', () => {
    const seen = new Map<string, string>();
    for (const [server, name] of sampleNames(100_000)) {
      const shown = named(server, name);
      const full = `${server} ${name}`;
      if ((seen.get(shown) ?? full) !== full) throw new Error(`two tools are ${shown}`);
      seen.set(shown, full);
    }
    expect(seen.size).toBeGreaterThan(90_000);
  });

  test('is told apart by what is beyond its end', () => {
    const long = 'a'.repeat(100);
    const names = ['', 'b', 'c', 'bb'].map((end) => named('server', long + end));
    expect(new Set(names).size).toBe(names.length);
  });

  test('leads back to server and name where it was not shortened', () => {
    fc.assert(
      fc.property(anyId, anyName, (server, name) => {
        fc.pre(server.length + 2 + name.length <= PUBLIC_NAME_MAX);
        expect(splitPublicName(named(server, name))).toEqual({ server, name });
      }),
    );
  });

  test.each(['', 'plain', '__x', 'a_b'])('is nothing like %j', (name) => {
    expect(splitPublicName(name)).toBeUndefined();
  });
});

/** Names as they come, short and long, many with one long beginning. The same ones at every run. */
function* sampleNames(count: number): Generator<readonly [string, string]> {
  let state = 42;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const word = (length: number): string => {
    let text = '';
    while (text.length < length) text += below(2 ** 32).toString(36);
    return text.slice(0, length);
  };
  const servers = ['github', 'a'.repeat(24), 'a'.repeat(25), 'a'.repeat(64), 'b', 'b-c'];
  const beginnings = ['', 'get_', 'mcp_resource_template_list_for_the_project_'];
  for (let at = 0; at < count; at += 1) {
    const name = `${beginnings[at % 3]}${word(3 + below(60))}`;
    yield [servers[below(servers.length)] ?? 'x', name];
  }
}

describe('a URI that names its server', () => {
  test('leads back to server and URI', () => {
    fc.assert(
      fc.property(anyId, fc.string(), (server, uri) => {
        expect(splitOwnedUri(ownedUri(server, uri))).toEqual({ server, uri });
      }),
    );
    expect(ownedUri('memory', 'file:///a/b')).toBe('hangar://memory/file:///a/b');
  });

  test.each(['', 'hangar://', 'hangar://memory', 'HANGAR://memory/x', 'x://hangar://memory/x'])(
    'is nothing like %j',
    (uri) => {
      expect(splitOwnedUri(uri)).toBeUndefined();
    },
  );
});
