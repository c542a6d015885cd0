/** Snippets of the kind `console`: commands behind `$ `, and below each what it prints. */

export interface Step {
  readonly command: string;
  /** Lines; `…` stands for anything, alone on a line for any lines. None where only success counts. */
  readonly expected: readonly string[];
}

/** @throws Error where something stands before the first command */
export function stepsIn(text: string): readonly Step[] {
  const steps: { command: string; expected: string[] }[] = [];
  for (const line of text.split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
    else if (last?.command.endsWith('\\') === true && last.expected.length === 0)
      last.command = `${last.command}\n${line}`;
    else if (last === undefined) throw new Error(`no command before: ${line}`);
    else last.expected.push(line);
  }
  return steps;
}

/**
 * Whether a text is what was expected. Numbers may differ, as times and sizes do, and so may the width of gaps, which
 * depends on them.
 */
export function isExpected(expected: readonly string[], actual: string): boolean {
  const lines = expected.map((line) =>
    line.trim() === '…' ? '(?:.*\\n)*?' : `${pattern(line)}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`).test(
    actual
      .trimEnd()
      .split('\n')
      .map((line) => `${line.trimEnd()}\n`)
      .join(''),
  );
}

const pattern = (line: string): string =>
  line
    .trimEnd()
    .split(/(…|\d+|\s+)/)
    .map((part) => {
      if (part === '…') return '.*';
      if (/^\d+$/.test(part)) return '\\d+';
      return /^\s+$/.test(part) ? '[ ]+' : part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    })
    .join('');
