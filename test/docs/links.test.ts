/** No link of a page leads nowhere. Addresses of the web are not asked: only that they are whole. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/gateway.ts';
import { pages, type Page } from './pages.ts';

const byPath = new Map(pages.map((page) => [page.path, page]));

/** What is wrong with a link; undefined where nothing is. */
function problemOf(page: Page, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return URL.canParse(target) ? undefined : 'no URL';
  const [file = '', anchor] = target.split('#', 2);
  const path = file === '' ? page.path : normalize(join(dirname(page.path), decodeURI(file)));
  if (path.startsWith('..') || !existsSync(join(ROOT, path))) return `there is no ${path}`;
  if (anchor === undefined || statSync(join(ROOT, path)).isDirectory()) return undefined;
  const linked = byPath.get(path);
  if (linked === undefined) return undefined;
  return linked.anchors.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
}

test.each(pages.map((page) => [page.path, page] as const))(
  'the links of %s lead somewhere',
  (_, page) => {
    const problems = page.links.flatMap(({ target, line }) => {
      const problem = problemOf(page, target);
      return problem === undefined ? [] : [`${page.path}:${line}: ${target}: ${problem}`];
    });
    expect(problems).toEqual([]);
  },
);

test('every page of docs/ can be reached from its index', () => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const page = byPath.get(path);
    if (page === undefined || reached.has(path)) return;
    reached.add(path);
    for (const { target } of page.links) {
      const [file = ''] = target.split('#', 1);
      if (file !== '' && !/^[a-z]+:/.test(file)) visit(normalize(join(dirname(path), file)));
    }
  };
  visit('docs/README.md');
  const all = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/'));
  expect(all.filter((path) => !reached.has(path) && !path.startsWith('docs/adr/'))).toEqual([]);
});
