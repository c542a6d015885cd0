// Rules of STYLE.md that the linter cannot say: no drawers (`utils.ts`), no file over 400 lines, no state
// at module level. A line scan is enough, because the formatter puts every top-level statement at column 0.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './run-command.ts';

const LINES_MAX = 400;
const DRAWER = /^(.*-)?(utils?|helpers?|common|misc)$|^types$/;

const COMMENT_OR_TEXT =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** The code alone: comments, strings and templates are gone, line numbers stay. */
const codeOf = (text: string): string =>
  text.replaceAll(COMMENT_OR_TEXT, (match) => match.replaceAll(/[^\n]/g, ''));

/** Lines as oxlint's `max-lines` counts them: neither blank ones nor those that only hold a comment. */
export function countLines(text: string): number {
  let inComment = false;
  let count = 0;
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (!inComment && line.startsWith('/*')) inComment = true;
    if (inComment) {
      const end = line.indexOf('*/');
      if (end < 0) continue;
      inComment = false;
      if (end + 2 === line.length) continue;
    }
    if (line !== '' && !line.startsWith('//')) count += 1;
  }
  return count;
}

/**
 * Module-level `let`, and module-level maps and sets that something could write to. Those that are typed
 * `ReadonlyMap` or `ReadonlySet` are tables, not state: the compiler keeps them as they are.
 */
export function moduleState(text: string): { line: number; what: string }[] {
  const found: { line: number; what: string }[] = [];
  let statement = '';
  for (const [index, line] of codeOf(text).split('\n').entries()) {
    const startsStatement = /^[A-Za-z@]/.test(line);
    statement = startsStatement ? line : `${statement}\n${line}`;
    if (/^(export )?(let|var) /.test(line)) found.push({ line: index + 1, what: 'let' });
    const created = /\bnew (Weak)?(Map|Set)\b/.exec(line);
    if (!created || !/^(export )?(const|let) /.test(statement)) continue;
    const before = statement.slice(0, statement.lastIndexOf(created[0]));
    const isInsideFunction = /=>|\bfunction\b|\bclass\b/.test(before);
    const isReadonly = /^(export )?const \w+: Readonly(Map|Set)</.test(statement);
    if (!isInsideFunction && !isReadonly) found.push({ line: index + 1, what: created[0] });
  }
  return found;
}

/** What is wrong with one file, a sentence each. `path` is relative to the repository, with `/`. */
export function problemsOf(path: string, text: string): string[] {
  const problems: string[] = [];
  for (const segment of path.split('/')) {
    const name = segment.replace(/(\.\w+)+$/, '');
    if (DRAWER.test(name)) problems.push(`${path}: "${name}" says nothing, name what is in it`);
  }
  if (!/^packages\/[^/]+\/src\//.test(path)) return problems;
  const lines = countLines(text);
  if (lines > LINES_MAX) problems.push(`${path}: ${lines} lines, ${LINES_MAX} at most`);
  if (/\.test\.tsx?$/.test(path)) return problems;
  for (const { line, what } of moduleState(text)) {
    const cure = what === 'let' ? '' : ' (a table is typed ReadonlyMap or ReadonlySet)';
    problems.push(`${path}:${line}: \`${what}\` at module level${cure}`);
  }
  return problems;
}

if (import.meta.main) {
  const files = globSync(
    '{packages,scripts,bench,fuzz,test,examples}/**/*.{ts,tsx,mts,mjs,cjs,js}',
    {
      cwd: ROOT,
      exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(path.replaceAll('\\', '/')),
    },
  );
  const problems = files.flatMap((file) =>
    problemsOf(file.replaceAll('\\', '/'), readFileSync(join(ROOT, file), 'utf8')),
  );
  for (const problem of problems) console.error(problem);
  console.log(`${files.length} files, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
