import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isErrorCode } from '../packages/kernel/src/errors.ts';
import { raises, unraisedCodes } from './errors-page.ts';
import { ROOT } from './run-command.ts';

/** In capitals, too: variables of the environment, and constants of the code. */
const NO_CODES =
  /^(?:MCP_|HANGAR_|XDG_|SSL_|NODE_|CLAUDE_|CODEX_|CONFIG_DIR$|HTTPS?_PROXY$|NO_(?:PROXY|COLOR)$|PR_SET_)|_MAX$/;

test('every code of the catalogue is raised somewhere', () => {
  expect(unraisedCodes()).toEqual([]);
});

test.each([
  ["throw new Fault('GATEWAY_BUSY', detail)", true],
  ["new Fault(\n    'GATEWAY_BUSY',\n    detail)", true],
  ["const code = isFull ? 'GATEWAY_BUSY' : other", true],
  ["if (fault.code === 'GATEWAY_BUSY')", false],
  ["switch (code) {\n    case 'GATEWAY_BUSY':", false],
  ["const X: ReadonlySet<string> = new Set<ErrorCode>([\n  'GATEWAY_BUSY',\n])", false],
])('%j raises it: %j', (source, expected) => {
  expect(raises(source, 'GATEWAY_BUSY')).toBe(expected);
});

test('every code that a document names is in the catalogue', () => {
  const files = globSync('{*.md,docs/**/*.md,packages/*/README.md}', { cwd: ROOT });
  const unknown = files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)]
      .map(([, name = '']) => name)
      .filter((name) => !isErrorCode(name) && !NO_CODES.test(name))
      .map((name) => `${file}: ${name}`);
  });
  expect(unknown).toEqual([]);
});
