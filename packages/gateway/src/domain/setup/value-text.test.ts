import { describe, expect, it } from 'vitest';
import type { Variables } from './client-table.ts';
import { type Place, printValue, readValue } from './value-text.ts';

const AROUND = { home: '/home/ada', project: '/home/ada/shop', separator: '/' };

/** From a client's file into ours. */
const carried = (text: string, variables: Variables, place: Place = 'env'): string =>
  printValue(readValue(text, variables, AROUND), place);

describe('A text of a client', () => {
  it.each([
    ['${env:TOKEN}', '${TOKEN:-}'],
    ['${TOKEN}', '${TOKEN:-}'],
    ['${TOKEN:-none}', '${TOKEN:-none}'],
    ['a ${X} b ${env:Y} c', 'a ${X:-} b ${Y:-} c'],
    ['${userHome}/docs', '/home/ada/docs'],
    ['${workspaceFolder}${/}src', '/home/ada/shop/src'],
    ['${workspaceFolderBasename}', 'shop'],
    ['${CLAUDE_PROJECT_DIR}', '/home/ada/shop'],
    ['$HOME stays', '$HOME stays'],
    ['', ''],
  ])('with braces: %j becomes %j', (written, ours) => {
    expect(carried(written, 'braces')).toBe(ours);
  });

  it.each([
    ['$TOKEN', '${TOKEN:-}'],
    ['${TOKEN}-$OTHER', '${TOKEN:-}-${OTHER:-}'],
    ['$5', '$5'],
  ])('with dollars: %j becomes %j', (written, ours) => {
    expect(carried(written, 'dollar')).toBe(ours);
  });

  it('without variables means what stands there', () => {
    expect(carried('${TOKEN} $X', 'none')).toBe('$${TOKEN} $X');
  });

  it('says what its client alone knows', () => {
    expect(readValue('${command:pick}', 'braces', AROUND)).toEqual([
      { kind: 'unknown', written: '${command:pick}' },
    ]);
    expect(readValue('${input:key}', 'braces', AROUND)).toEqual([{ kind: 'input', id: 'key' }]);
    const nowhere = { ...AROUND, project: undefined };
    expect(readValue('${workspaceFolder}', 'braces', nowhere)).toMatchObject([{ kind: 'unknown' }]);
  });

  it.each([
    ['headers', 'Bearer ${MY_TOKEN}', 'Bearer ${MY_TOKEN:-my-token-is-not-set}'],
    ['headers', '${MY_TOKEN:-}', '${MY_TOKEN:-my-token-is-not-set}'],
    ['url', '${BASE}/mcp', '${BASE:-http://base-is-not-set.invalid}/mcp'],
    ['url', 'https://${HOST}/mcp', 'https://${HOST:-host-is-not-set}/mcp'],
    ['cwd', '${DIR}', '${DIR:-.}'],
    ['command', '${BIN}', '${BIN:-bin-is-not-set}'],
    ['args', '${ARG}', '${ARG:-}'],
  ] as const)(
    'keeps the configuration valid where nothing is set: %s %j',
    (place, written, ours) => {
      expect(carried(written, 'braces', place)).toBe(ours);
    },
  );
});
