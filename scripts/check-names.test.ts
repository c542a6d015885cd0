import { expect, test } from 'vitest';
import { countLines, moduleState, problemsOf } from './check-names.ts';

test.each(['test/utils.ts', 'test/helpers/a.ts', 'bench/http-utils.ts', 'test/types.ts'])(
  '%s is a drawer',
  (path) => {
    expect(problemsOf(path, '')).toHaveLength(1);
  },
);

test('a name that says something may end in types', () => {
  expect(problemsOf('packages/kernel/src/content-types.ts', '')).toEqual([]);
});

test('lines are counted without blank ones and comments', () => {
  expect(
    countLines('/* a\n b */\n\n// c\nconst d = 1; // e\n/** f */\n/* g */ const h = 2;\n'),
  ).toBe(2);
});

test('a file of a package has 400 lines at most, a script may have more', () => {
  const text = 'f();\n'.repeat(401);
  expect(problemsOf('packages/gateway/src/domain/a.ts', text)[0]).toContain(
    '401 lines, 400 at most',
  );
  expect(problemsOf('scripts/a.ts', text)).toEqual([]);
});

test('state at module level is found, also where its statement began on an earlier line', () => {
  const text = [
    'let count = 0;',
    'export const seen = new Map<string, number>();',
    'const names =',
    '  new Set(["a"]);',
    'const open = { sockets: new WeakSet() };',
  ].join('\n');
  expect(moduleState(text).map((found) => found.line)).toEqual([1, 2, 4, 5]);
});

test('tables, functions, classes and the text of another program are not state', () => {
  const text = [
    'const NAMES: ReadonlySet<string> = new Set(["a"]);',
    'const build = () => new Map();',
    'export function f() {',
    '  let n = 0;',
    '  return new Map([[n, n]]);',
    '}',
    'class A {',
    '  readonly items = new Map();',
    '}',
    'const PROGRAM = `',
    "let held = new Set(); // isn't ours",
    '`;',
    '// const a = new Map();',
  ].join('\n');
  expect(moduleState(text)).toEqual([]);
});
