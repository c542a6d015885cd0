import { err, ok, type Result } from '@mcp-hangar/kernel/result';

/**
 * Splits a command line into words as a POSIX shell would, with quotes and backslashes and nothing else: no variables,
 * no globs, no operators. Refuses an unclosed quote and a trailing backslash.
 */
export function splitWords(line: string): Result<readonly string[], string> {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const char = line.charAt(index);
    if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === quote) {
      quote = undefined;
    } else if (char === '\\' && quote !== "'") {
      index += 1;
      if (index === line.length) return err('ends with a backslash');
      word = (word ?? '') + escaped(line.charAt(index), quote);
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) return err(`has an unclosed ${quote}`);
  if (word !== undefined) words.push(word);
  return words.length === 0 ? err('has no words') : ok(words);
}

/** Inside double quotes a backslash only escapes these; elsewhere it escapes everything. */
function escaped(char: string, quote: '"' | "'" | undefined): string {
  return quote === '"' && !'"\\$`'.includes(char) ? `\\${char}` : char;
}
