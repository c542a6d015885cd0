/** Whatever a file looks like: an edit changes what it is about, and not a byte of anything else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ConfigEdit } from './config-edit.ts';
import { editConfig } from './edit-config.ts';

const RUNS = 100;

const id = fc.stringMatching(/^srv[A-Za-z0-9-]{0,5}$/);
const words = fc.stringMatching(/^[ -~]{0,12}$/);
const server = fc.record(
  {
    command: fc.constantFrom('npx', 'uvx', './run me.sh', 'node'),
    args: fc.array(words, { maxLength: 4 }),
    env: fc.dictionary(fc.stringMatching(/^[A-Z][A-Z_]{0,6}$/), words, { maxKeys: 3 }),
    description: fc.oneof(words, fc.constant('two\nlines'), fc.constant('ends\n\n')),
    idle_ttl_s: fc.integer({ min: 0, max: 1000 }),
    enabled: fc.boolean(),
  },
  { requiredKeys: ['command'] },
);

const quoted = (text: string, style: number): string =>
  style === 0 ? JSON.stringify(text) : `'${text.replaceAll("'", "''")}'`;
const comment = fc
  .tuple(fc.constantFrom('', ' ', '   '), fc.stringMatching(/^[ -~]{0,10}$/))
  .map(([gap, text]) => (gap === '' ? '' : `${gap}# ${text}`));

/** One entry of a block mapping, in one of the ways in which people write it. */
const blockEntry = fc
  .record({
    style: fc.nat(1),
    onKey: comment,
    onValue: comment,
    inside: fc.boolean(),
    form: fc.nat(5),
    value: words,
    extra: fc.boolean(),
  })
  .map(({ style, onKey, onValue, inside, form, value, extra }) => (name: string, step: string) => {
    const key = style === 1 ? `"${name}"` : name;
    const inner = step + step;
    const more = extra ? `${inner}tools:\n${inner}- name: t${onValue}\n` : '';
    const note = inside ? `${inner}# args: [a]\n` : '';
    switch (form) {
      case 0:
        return `${step}${key}: {command: x,   args: [${quoted(value, style)}]}${onKey}\n`;
      case 1:
        return `${step}${key}:${onKey}\n${inner}description: |\n${inner}  a: # b\n\n${inner}  c\n${more}${note}`;
      case 2:
        return `${step}${key}:${onKey}\n${inner}enabled:   true${onValue}\n${inner}command: ${quoted(value, style)}\n${note}`;
      case 3:
        return `${step}${key}:${onKey}\n${inner}command:\n${inner}  - ${quoted(value, style)}${onValue}\n${inner}  - b\n${more}`;
      case 4:
        return `${step}${key}:${onKey}\n${note}${inner}env:\n${inner}    A: ${quoted(value, style)}${onValue}\n${more}`;
      default:
        return `${step}${key}:${onKey}\n${inner}command: a\n${inner}  folded plain text${onValue}\n${more}`;
    }
  });

interface Sample {
  readonly text: string;
  readonly ids: readonly string[];
  /** The text without the entry of an id. */
  readonly without: (id: string) => string;
}

const blockFile: fc.Arbitrary<Sample> = fc
  .record({
    ids: fc.uniqueArray(id, { minLength: 2, maxLength: 5 }),
    entries: fc.array(blockEntry, { minLength: 5, maxLength: 5 }),
    gaps: fc.array(fc.constantFrom('', '\n', '  # above\n', '\n  # apart\n\n'), {
      minLength: 5,
      maxLength: 5,
    }),
    step: fc.constantFrom('  ', '    ', ' '),
    head: fc.constantFrom('', '# head\n\n', 'http: {port: 1} # first\n', '%YAML 1.2\n---\n'),
    name: fc.constantFrom('mcp_servers', 'providers'),
    tail: fc.constantFrom(
      '',
      '\n# tail\nlimits:\n  sessions_max: 5\n',
      '# end\n',
      'catalog: {warm: lazy}',
    ),
    isCut: fc.boolean(),
    eol: fc.constantFrom('\n', '\r\n'),
  })
  .map(({ ids, entries, gaps, step, head, name, tail, isCut, eol }) => {
    const gapOf = (index: number): string => (gaps[index] ?? '').replaceAll('  #', `${step}#`);
    const written = (left: readonly string[]): string => {
      const body = ids.map((one, index) =>
        left.includes(one) ? gapOf(index) + (entries[index]?.(one, step) ?? '') : gapOf(index),
      );
      const text = `${head}${name}:\n${body.join('')}${tail}`;
      return (isCut ? text.replace(/\n$/, '') : text).replaceAll('\n', eol);
    };
    return {
      text: written(ids),
      ids,
      without: (one) => written(ids.filter((each) => each !== one)),
    };
  });

const jsonFile: fc.Arbitrary<Sample> = fc
  .record({
    servers: fc.dictionary(id, server, { minKeys: 2, maxKeys: 4 }),
    step: fc.constantFrom('  ', '\t', '    ', ''),
    name: fc.constantFrom('mcp_servers', 'providers'),
    end: fc.constantFrom('', '\n'),
    isLast: fc.boolean(),
  })
  .map(({ servers, step, name, end, isLast }) => {
    const written = (left: Readonly<Record<string, unknown>>): string => {
      const http = { http: { port: 1 } };
      const document = isLast ? { ...http, [name]: left } : { [name]: left, ...http };
      return JSON.stringify(document, undefined, step) + end;
    };
    return {
      text: written(servers),
      ids: Object.keys(servers),
      without: (one) =>
        written(Object.fromEntries(Object.entries(servers).filter(([each]) => each !== one))),
    };
  });

const anyFile = fc.oneof(blockFile, jsonFile);

function edited(text: string, edit: ConfigEdit): string {
  const result = editConfig({ file: 'config.yaml', text }, [edit]);
  if (!result.ok) throw new Error(`${JSON.stringify(result.error)}\n${text}`);
  return result.value;
}

/** How much of `small` is left when what it shares with the start and the end of `large` is taken away. */
function unshared(small: string, large: string): string {
  let start = 0;
  while (start < small.length && small[start] === large[start]) start += 1;
  let end = 0;
  const most = Math.min(small.length, large.length) - start;
  while (end < most && small.at(-1 - end) === large.at(-1 - end)) end += 1;
  return small.slice(start, small.length - end);
}

const holds = (isSo: boolean, what: string, ...texts: readonly string[]): void => {
  if (!isSo) throw new Error([what, ...texts].join('\n-----\n'));
};

interface Read {
  readonly servers: Readonly<Record<string, Record<string, unknown> | null>>;
  readonly rest: unknown;
}
function read(text: string): Read {
  const { mcp_servers: ours, providers, ...rest } = parse(text) as Record<string, never>;
  return { servers: ours ?? providers ?? {}, rest };
}
const same = (left: unknown, right: unknown): boolean =>
  JSON.stringify(left) === JSON.stringify(right);

/** With the seed and the smallest sample; undefined where it holds. */
function failureOf<Sample>(property: fc.IProperty<Sample>): string | undefined {
  const details = fc.check(property, { numRuns: RUNS });
  return details.failed ? fc.defaultReportMessage(details) : undefined;
}

describe('An edit of any file', () => {
  it('adds a server in one piece', () => {
    expect(
      failureOf(
        fc.property(anyFile, id, server, (file, name, added) => {
          fc.pre(!file.ids.includes(name));
          const text = edited(file.text, { kind: 'set', id: name, server: added });
          holds(unshared(file.text, text) === '', 'something else changed', file.text, text);
          const before = read(file.text);
          const after = read(text);
          holds(same(after.rest, before.rest), 'the rest means something else', text);
          holds(
            same(after.servers, { ...before.servers, [name]: added }),
            'not what was added',
            text,
          );
        }),
      ),
    ).toBeUndefined();
  });

  it('removes a server and nothing but empty lines beside it', () => {
    expect(
      failureOf(
        fc.property(anyFile, fc.nat(), (file, nth) => {
          const name = file.ids[nth % file.ids.length] ?? '';
          const text = edited(file.text, { kind: 'remove', id: name });
          holds(unshared(text, file.text) === '', 'something was added', file.text, text);
          const plain = (one: string): string =>
            one.replaceAll(/\r?\n(?=[ \t]*(\r?\n|$))/g, '').trim();
          holds(
            plain(text) === plain(file.without(name)),
            'not what is left',
            text,
            file.without(name),
          );
          const { [name]: _, ...left } = read(file.text).servers;
          holds(same(read(text).servers, left), 'the others mean something else', text);
        }),
      ),
    ).toBeUndefined();
  });

  it('switches a server off and on again with one word or one line', () => {
    expect(
      failureOf(
        fc.property(anyFile, fc.nat(), (file, nth) => {
          const name = file.ids[nth % file.ids.length] ?? '';
          const off = edited(file.text, { kind: 'enable', id: name, enabled: false });
          const gone = unshared(file.text, off);
          holds(['', 'tru'].includes(gone), `"${gone}" is gone`, file.text, off);
          const put = unshared(off, file.text);
          // Turned round where the key begins as the one before it does.
          const letters = put
            .replaceAll(/[\s,":]/g, '')
            .split('')
            .toSorted()
            .join('');
          const most = 'enabledfalse'.split('').toSorted().join('');
          holds(['', 'afls', most].includes(letters), `put "${put}"`, off);
          holds(read(off).servers[name]?.['enabled'] === false, 'it is not off', off);
          const on = edited(off, { kind: 'enable', id: name, enabled: true });
          holds(read(on).servers[name]?.['enabled'] === true, 'it is not on', on);
          if (gone !== '') holds(on === file.text, 'not what it was', file.text, on);
        }),
      ),
    ).toBeUndefined();
  });

  it('replaces a server within its own lines', () => {
    expect(
      failureOf(
        fc.property(anyFile, fc.nat(), server, (file, nth, put) => {
          const name = file.ids[nth % file.ids.length] ?? '';
          const text = edited(file.text, { kind: 'set', id: name, server: put });
          const before = read(file.text);
          holds(
            same(read(text), { ...before, servers: { ...before.servers, [name]: put } }),
            'means something else',
            text,
          );
          const gone = unshared(file.text, text);
          for (const other of file.ids)
            if (other !== name)
              holds(
                !new RegExp(`\\b${other}"?:`).test(gone),
                `${other} is touched`,
                file.text,
                text,
              );
        }),
      ),
    ).toBeUndefined();
  });

  it('that is taken back leaves the file as it was, byte for byte', () => {
    expect(
      failureOf(
        fc.property(anyFile, id, server, (file, name, added) => {
          fc.pre(!file.ids.includes(name));
          const there = edited(file.text, { kind: 'set', id: name, server: added });
          const back = edited(there, { kind: 'remove', id: name });
          const lines = (text: string): readonly string[] =>
            text.split(/\r?\n/).filter((line) => line.trim() !== '');
          holds(same(lines(back), lines(file.text)), 'not what it was', file.text, back);
        }),
      ),
    ).toBeUndefined();
  });
});
