import type { Document, ErrorCode, LineCounter, ParsedNode } from 'yaml';

import type { ConfigProblem } from './problem.ts';

/**
 * What the YAML parser refuses, in our words: its own messages repeat the text at the place, which may be a secret.
 */
const EXPLANATIONS: Partial<Record<ErrorCode, readonly [message: string, fix: string]>> = {
  TAB_AS_INDENT: ['a tab is used as indentation', 'indent with spaces'],
  BAD_INDENT: ['the indentation does not fit the lines around it', 'align keys of one mapping'],
  MISSING_CHAR: ['a closing quote, bracket or comma is missing', 'close what was opened'],
  MULTIPLE_DOCS: ['a second document starts here', 'keep one document; remove "---"'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a second ":" in one line',
    'put quotes around a text that contains ": ", or start a new line',
  ],
  BAD_SCALAR_START: ['a text cannot start with this character', 'put quotes around the text'],
  BAD_ALIAS: ['the name after "*" is not an alias', 'put quotes around a text that starts with *'],
  TAG_RESOLVE_FAILED: [
    'the tag after "!" is not known',
    'remove it, or put quotes around the text',
  ],
};

/** Errors that follow from an earlier one in the same line are left out. */
export function syntaxProblems(
  file: string,
  document: Pick<Document<ParsedNode>, 'errors' | 'warnings'>,
  lines: LineCounter,
): readonly ConfigProblem[] {
  const byLine = new Map<number, ConfigProblem>();
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(pos[0]);
    const [message, fix] = EXPLANATIONS[code] ?? [
      'this is not valid YAML',
      'check quotes, colons and indentation here and in the line above',
    ];
    if (!byLine.has(line)) byLine.set(line, { file, line, column: col, path: '', message, fix });
  }
  return [...byLine.values()];
}
