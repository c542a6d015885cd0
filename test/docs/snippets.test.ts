/**
 * Every snippet of every page is true: configurations load, JSON parses, commands print what stands below them.
 * `file=NAME` writes one into the home of the page. A snippet that cannot run here says why: ```console
 * skip="needs an AI client"; a configuration that is to be refused: ```yaml wrong="on purpose".
 */
import { afterAll, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { Sandbox } from './sandbox.ts';
import { pages, type Page, type Snippet } from './pages.ts';
import { isExpected, stepsIn } from './transcript.ts';

const linux = needs('linux', () => process.platform === 'linux');
const PAGE_MS_MAX = 180_000;
/** Shown, not run. */
const INERT: ReadonlySet<string> = new Set(['text', 'mermaid', 'diff', 'jsonc', 'js', 'toml']);
const RUN: ReadonlySet<string> = new Set(['console', 'yaml', 'json']);
/** Compiled, and its example run, by `test/e2e/embedding.test.ts`. */
const PROGRAMS = 'docs/guides/embedding.md';

const isRun = ({ language, options }: Snippet): boolean =>
  options['skip'] === undefined && (RUN.has(language) || options['file'] !== undefined);

/** A whole configuration, entries of `mcp_servers`, or keys of one server; as a whole one. */
function configurationOf(text: string): string {
  if (/^\S/.test(text)) return text;
  const lines = text.split('\n');
  const depth = /^ */.exec(text)?.[0].length ?? 0;
  const isEntries = lines.some((line) => line.startsWith(`${' '.repeat(depth + 2)}command:`));
  const heads = isEntries ? ['mcp_servers:'] : ['mcp_servers:', '  sample:', '    command: node'];
  const indent = ' '.repeat(isEntries ? 2 : 4);
  return [...heads, ...lines.map((line) => indent + line.slice(depth))].join('\n');
}

/** What is wrong with a snippet; undefined where nothing is. */
async function problemWith(sandbox: Sandbox, snippet: Snippet): Promise<string | undefined> {
  const { text, options } = snippet;
  const { file } = options;
  if (file !== undefined) sandbox.write(file, text);
  switch (snippet.language) {
    case 'yaml':
      if (options['wrong'] !== undefined) return undefined;
      if (file === undefined) sandbox.write('snippet.yaml', configurationOf(text));
      return checkConfiguration(sandbox, text, file ?? 'snippet.yaml');
    case 'console':
      return checkTranscript(sandbox, text);
    case 'json':
      JSON.parse(text);
      return undefined;
    default:
      return undefined;
  }
}

async function checkConfiguration(
  sandbox: Sandbox,
  text: string,
  file: string,
): Promise<string | undefined> {
  const variables = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => `${name}=sample`);
  const env = variables.filter((set) => !set.startsWith('CONFIG_DIR=')).join(' ');
  const said = await sandbox.run(`env ${env} mcp-hangar config check ${file}`, () => true);
  return /: valid, \d+ MCP servers?\n/.test(said) ? undefined : said;
}

async function checkTranscript(sandbox: Sandbox, text: string): Promise<string | undefined> {
  for (const { command, expected } of stepsIn(text)) {
    const line = expected.length === 0 ? `${command} && echo done` : command;
    const wanted = expected.length === 0 ? ['…', 'done'] : expected;
    const said = await sandbox.run(line, (soFar) => isExpected(wanted, soFar));
    if (!isExpected(wanted, said)) return `$ ${command}\n${said}\ninstead of\n${wanted.join('\n')}`;
  }
  return undefined;
}

describe.skipIf(linux.isMissing)(`The snippets ${linux.mark}`, () => {
  describe.each(pages.map((page) => [page.path, page] as const))('of %s', (_, page: Page) => {
    const sandbox = new Sandbox();
    afterAll(() => sandbox[Symbol.asyncDispose]());
    it('are of known kinds', () => {
      const unknown = page.snippets.filter(
        ({ language }) =>
          !INERT.has(language) &&
          !RUN.has(language) &&
          !(language === 'ts' && page.path === PROGRAMS),
      );
      expect(unknown.map(({ line, language }) => `${page.path}:${line}: "${language}"`)).toEqual(
        [],
      );
    });
    it.each(page.snippets.filter(isRun).map((snippet) => [snippet.line, snippet] as const))(
      'are true: line %i',
      { timeout: PAGE_MS_MAX },
      async (_line, snippet) => {
        expect(await problemWith(sandbox, snippet)).toBeUndefined();
      },
    );
  });
});
