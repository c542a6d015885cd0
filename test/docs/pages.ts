/** The pages that people read, as their Markdown says: what they link to, and their snippets. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import GithubSlugger from 'github-slugger';
import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { toString } from 'mdast-util-to-string';
import { ROOT } from '../support/gateway.ts';

export interface Snippet {
  readonly language: string;
  /** What follows the language: `file=NAME`, `skip="why"`. */
  readonly options: Readonly<Record<string, string>>;
  readonly text: string;
  readonly line: number;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

export interface Page {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly links: readonly Link[];
  readonly snippets: readonly Snippet[];
  /** What stands behind `#` in links to its headings. */
  readonly anchors: ReadonlySet<string>;
}

const PAGES = ['*.md', 'docs/**/*.md', 'examples/**/*.md'];
const OPTION = /(\w+)=(?:"([^"]*)"|(\S+))/g;

const optionsIn = (meta: string): Record<string, string> =>
  Object.fromEntries(
    [...meta.matchAll(OPTION)].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']),
  );

export const pages: readonly Page[] = globSync(PAGES, { cwd: ROOT })
  .toSorted()
  .map((path) => read(path));

function read(path: string): Page {
  const links: Link[] = [];
  const snippets: Snippet[] = [];
  const anchors = new Set<string>();
  const slugger = new GithubSlugger();
  const walk = (node: Nodes): void => {
    const line = node.position?.start.line ?? 0;
    if (node.type === 'link' || node.type === 'definition') links.push({ target: node.url, line });
    if (node.type === 'heading') anchors.add(slugger.slug(toString(node)));
    if (node.type === 'code')
      snippets.push({
        language: node.lang ?? '',
        options: optionsIn(node.meta ?? ''),
        text: node.value,
        line,
      });
    if ('children' in node) for (const child of node.children) walk(child);
  };
  walk(fromMarkdown(readFileSync(join(ROOT, path), 'utf8')));
  return { path, links, snippets, anchors };
}
