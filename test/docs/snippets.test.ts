/**
 * Every snippet of every page is true: configurations load, JSON parses, commands print what stands below them,
 * programs run. A snippet that cannot run here says why: ```console skip="needs an AI client".
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { Sandbox } from './sandbox.ts';
import { pages, type Page, type Snippet } from './pages.ts';
import { isExpected, stepsIn } from './transcript.ts';

const linux = needs('linux', () => process.platform === 'linux');
const PAGE_MS_MAX = 180_000;
/** Shown, not run. */
const INERT: ReadonlySet<string> = new Set(['text', 'mermaid', 'diff', 'jsonc', 'toml']);
const RUN: ReadonlySet<string> = new Set(['console', 'yaml', 'json', 'ts']);

const isRun = ({ language, options }: Snippet): boolean =>
  RUN.has(language) && options['skip'] === undefined;

/** A whole configuration, entries of `mcp_servers`, or keys of one server. */
function configurationOf(text: string): Record<string, unknown> {
  const value = parse(text) as Record<string, unknown>;
  if (/^\S/.test(text)) return value;
  const isEntries = Object.values(value).every(
    (entry) =>
      entry !== null && typeof entry === 'object' && ('command' in entry || 'mode' in entry),
  );
  if (isEntries) return { mcp_servers: value };
  return { mcp_servers: { sample: { command: 'node', ...value } } };
}

async function checkYaml(sandbox: Sandbox, { text, options }: Snippet): Promise<void> {
  const file = options['file'] ?? 'snippet.yaml';
  sandbox.write(file, options['file'] === undefined ? JSON.stringify(configurationOf(text)) : text);
  const variables = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => `${name}=sample`);
  const env = variables.filter((set) => !set.startsWith('CONFIG_DIR=')).join(' ');
  const said = await sandbox.run(`env ${env} mcp-hangar config check ${file}`, () => true);
  expect(said).toMatch(/: valid, \d+ MCP servers?\n/);
}

async function checkConsole(sandbox: Sandbox, { text }: Snippet): Promise<void> {
  for (const { command, expected } of stepsIn(text)) {
    if (expected.length === 0) {
      expect(await sandbox.run(`${command} && echo done`, () => true)).toMatch(/done\n$/);
      continue;
    }
    const said = await sandbox.run(command, (soFar) => isExpected(expected, soFar));
    // As texts, so that the difference is shown.
    if (!isExpected(expected, said)) expect(said).toBe(`${expected.join('\n')}\n`);
  }
}

async function check(sandbox: Sandbox, snippet: Snippet): Promise<void> {
  switch (snippet.language) {
    case 'yaml':
      return checkYaml(sandbox, snippet);
    case 'console':
      return checkConsole(sandbox, snippet);
    case 'json':
      JSON.parse(snippet.text);
      if (snippet.options['file'] !== undefined)
        sandbox.write(snippet.options['file'], snippet.text);
      return;
    case 'ts': {
      const file = snippet.options['file'] ?? 'snippet.mts';
      sandbox.write(file, snippet.text);
      const said = await sandbox.run(`node ${file} && echo done`, () => true);
      expect(said).toMatch(/done\n$/);
    }
  }
}

describe.skipIf(linux.isMissing)(`The snippets ${linux.mark}`, () => {
  describe.each(pages.map((page) => [page.path, page] as const))('of %s', (_, page: Page) => {
    const sandbox = new Sandbox();
    afterAll(() => sandbox[Symbol.asyncDispose]());
    it('are of known kinds', () => {
      const unknown = page.snippets.filter(
        ({ language }) => !INERT.has(language) && !RUN.has(language),
      );
      expect(unknown.map(({ line, language }) => `${page.path}:${line}: "${language}"`)).toEqual(
        [],
      );
    });
    it.each(page.snippets.filter(isRun).map((snippet) => [snippet.line, snippet] as const))(
      'are true: line %i',
      { timeout: PAGE_MS_MAX },
      async (_line, snippet) => check(sandbox, snippet),
    );
  });
});

it('A page that shows a file shows it as it is', () => {
  for (const page of pages)
    for (const { options, text } of page.snippets)
      if (options['same'] !== undefined)
        expect(`${text}\n`).toBe(
          readFileSync(join(import.meta.dirname, '../..', options['same']), 'utf8'),
        );
});
