import fc from 'fast-check';
import { assert, describe, expect, it } from 'vitest';
import { editClientText, readClientText } from './client-text.ts';
import type { TextEdit } from './json-text.ts';

const HANGAR = { command: 'node', args: ['hangar'] };
const set = (...path: readonly string[]): TextEdit => ({ path, value: HANGAR });
const unset = (...path: readonly string[]): TextEdit => ({ path, value: undefined });

function edit(format: 'json' | 'toml', text: string, ...edits: readonly TextEdit[]): string {
  const result = editClientText(format, text, edits);
  assert(result.ok, result.ok ? '' : result.error);
  return result.value;
}

const json = (text: string, ...edits: readonly TextEdit[]): string => edit('json', text, ...edits);
const toml = (text: string, ...edits: readonly TextEdit[]): string => edit('toml', text, ...edits);

describe('JSON', () => {
  it('gets an entry behind the others, as they are indented', () => {
    const text = '{\n\t"a": 1,\n\t"s": {\n\t\t"x": {} // mine\n\t}\n}\n';
    expect(json(text, set('s', 'h'))).toBe(
      '{\n\t"a": 1,\n\t"s": {\n\t\t"x": {}, // mine\n\t\t"h": {\n\t\t\t"command": "node",\n\t\t\t"args": [\n\t\t\t\t"hangar"\n\t\t\t]\n\t\t}\n\t}\n}\n',
    );
  });

  it('keeps a trailing comma, a byte order mark and the ends of lines', () => {
    const text = '\uFEFF{\r\n  "s": {\r\n    "x": {},\r\n  },\r\n}\r\n';
    const done = json(text, { path: ['s', 'h'], value: 1 });
    expect(done).toBe('\uFEFF{\r\n  "s": {\r\n    "x": {},\r\n    "h": 1,\r\n  },\r\n}\r\n');
    expect(json(done, unset('s', 'h'))).toBe(text);
  });

  it.each([
    ['', '{\n  "s": {\n    "h": 1\n  }\n}\n'],
    ['{}', '{\n  "s": {\n    "h": 1\n  }\n}'],
    ['{ "s": {} }', '{ "s": {\n  "h": 1\n} }'],
    ['{"s":{"x":{"a":1}}}', '{"s":{"x":{"a":1},"h":1}}'],
    ['{ "s": { "x": 1 } }', '{ "s": { "x": 1, "h": 1 } }'],
    ['{"a": 1}', '{"a": 1,"s": {"h":1}}'],
    ['{"s":{"h":2}}', '{"s":{"h":1}}'],
  ])('%j gets an entry', (text, done) => {
    expect(json(text, { path: ['s', 'h'], value: 1 })).toBe(done);
  });

  it.each([
    ['{\n  "s": {\n    "x": 1\n  }\n}', '{\n  "s": {}\n}'],
    ['{\n  "s": {\n    "x": 1, // gone\n    "y": 2\n  }\n}', '{\n  "s": {\n    "y": 2\n  }\n}'],
    [
      '{\n  "s": {\n    "y": 2,\n    // kept\n    "x": 1\n  }\n}',
      '{\n  "s": {\n    "y": 2\n    // kept\n  }\n}',
    ],
    [
      '{\n  "s": {\n    "y": 2, /* , */\n    "x": 1,\n  }\n}',
      '{\n  "s": {\n    "y": 2, /* , */\n  }\n}',
    ],
    ['{"s":{"x":1,"y":2}}', '{"s":{"y":2}}'],
    ['{"s":{"y":2,"x":1}}', '{"s":{"y":2}}'],
    ['{"s":{"y":2}}', '{"s":{"y":2}}'],
  ])('%j loses an entry', (text, done) => {
    expect(json(text, unset('s', 'x'))).toBe(done);
  });

  it('says exactly what was asked for, whatever stands around it', () => {
    const key = fc
      .string({ unit: 'grapheme', maxLength: 5 })
      .filter((name) => name !== '__proto__');
    const members = fc.dictionary(
      key,
      fc.json({ maxDepth: 2 }).map((text): unknown => JSON.parse(text.replaceAll('-0', '0'))),
      { maxKeys: 5 },
    );
    const indent = fc.constantFrom(undefined, 2, 4, '\t');
    fc.assert(
      fc.property(members, members, indent, fc.string(), (outer, inner, space, name) => {
        fc.pre(name !== '__proto__');
        const text = JSON.stringify({ ...outer, s: inner }, undefined, space);
        const done = json(text, set('s', name));
        const { [name]: _old, ...rest } = inner;
        const value: unknown = JSON.parse(done);
        expect(value).toEqual({ ...outer, s: { ...rest, [name]: HANGAR } });
        const back = json(done, unset('s', name));
        expect(JSON.parse(back)).toEqual({ ...outer, s: rest });
        const isUndone = !(name in inner) && Object.keys(inner).length > 0;
        expect(isUndone ? back : text).toBe(text);
      }),
    );
  });

  it.each([
    ['{"a":1', 'it is no valid JSON (line 1)'],
    ['{\n  "a": hunter2\n}', 'it is no valid JSON (line 2)'],
    ['[]', 'it holds no JSON object'],
    ['{"a":'.repeat(50_000), 'it is nested too deep'],
  ])('%.20s is refused', (text, reason) => {
    expect(readClientText('json', text)).toEqual({ ok: false, error: reason });
  });

  it('with a key twice is not edited', () => {
    const result = editClientText('json', '{"s":{"a":1},"s":{"b":1}}', [set('s', 'h')]);
    expect(result).toMatchObject({ ok: false });
  });
});

describe('TOML', () => {
  const TABLE = '[mcp_servers.h]\ncommand = "node"\nargs = [ "hangar" ]\n';

  it('gets a table at its end', () => {
    expect(toml('a = 1 # one\n', set('mcp_servers', 'h'))).toBe(`a = 1 # one\n\n${TABLE}`);
    expect(toml('', set('mcp_servers', 'h'))).toBe(TABLE);
    const crlf = toml('a = 1\r\n', set('mcp_servers', 'h'));
    expect(crlf).toBe(`a = 1\r\n\r\n${TABLE.replaceAll('\n', '\r\n')}`);
  });

  it('loses a table with those below it, and no comment', () => {
    const text = [
      '# first',
      '[mcp_servers.x]',
      'command = "x"',
      '',
      '[mcp_servers.x.env] # below',
      'A = "[mcp_servers.y]"',
      '',
      '# about y',
      '[mcp_servers."y z"]',
      'command = "y"',
      '',
    ].join('\n');
    expect(toml(text, unset('mcp_servers', 'x'))).toBe(
      '# first\n\n# about y\n[mcp_servers."y z"]\ncommand = "y"\n',
    );
    expect(toml(text, unset('mcp_servers', 'y z'))).toBe(
      text.slice(0, text.indexOf('[mcp_servers."y')),
    );
  });

  it('gets a table in the place of one that is there', () => {
    const text = '[mcp_servers.h]\ncommand = "old"\n\n[b]\nx = 1\n';
    expect(toml(text, set('mcp_servers', 'h'))).toBe(`${TABLE}\n[b]\nx = 1\n`);
  });

  it.each([
    ['mcp_servers = { x = { command = "x" } }\n'],
    ['[mcp_servers]\nh.command = "x"\n'],
    ['a = """\n[mcp_servers.h]\n"""\nb = 1\n[mcp_servers.h]\ncommand = "x"\n'],
  ])('%j is left alone where it cannot be edited safely, or is edited right', (text) => {
    const result = editClientText('toml', text, [set('mcp_servers', 'h')]);
    if (!result.ok) return;
    const read = readClientText('toml', result.value);
    assert(read.ok);
    expect(read.value['mcp_servers']).toMatchObject({ h: HANGAR });
  });

  it('is refused without a word of it', () => {
    const result = readClientText('toml', 'a = 1\nb = hunter2\n');
    expect(result).toEqual({ ok: false, error: 'it is no valid TOML (line 2)' });
  });
});
