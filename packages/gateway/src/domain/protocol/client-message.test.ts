import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CLIENT_SLOT,
  clientText,
  cutForServer,
  requestIdAtEnds,
  type ClientText,
} from './client-message.ts';
import { spanText } from './json-spans.ts';
import { META } from './revisions.ts';

const read = (raw: string): ClientText => clientText(raw, JSON.parse(raw));
const slot = ({ text, spans }: ClientText, name: keyof typeof CLIENT_SLOT): string | undefined =>
  spanText(text, spans, CLIENT_SLOT[name]);

const CALL =
  '{"jsonrpc":"2.0","id":"a\\"1","method":"tools/call","params":{"name":"files__read","arguments":{"id":9,"path":"ä"},"_meta":{"progressToken":7}}}';

describe('the places of a client message', () => {
  test('are found in every kind of message', () => {
    const call = read(CALL);
    expect(slot(call, 'id')).toBe('"a\\"1"');
    expect(slot(call, 'name')).toBe('"files__read"');
    expect(slot(call, 'progressToken')).toBe('7');
    const completion = read('{"id":1,"params":{"ref":{"type":"ref/prompt","name":"p","uri":"u"}}}');
    expect(slot(completion, 'refName')).toBe('"p"');
    expect(slot(completion, 'refUri')).toBe('"u"');
    const cancelled = read('{"method":"notifications/cancelled","params":{"requestId":"9"}}');
    expect(slot(cancelled, 'requestId')).toBe('"9"');
    const progress = read('{"params":{"progressToken":3,"uri":"x://y"}}');
    expect(slot(progress, 'notifiedToken')).toBe('3');
    expect(slot(progress, 'progressToken')).toBeUndefined();
    expect(slot(progress, 'uri')).toBe('"x://y"');
  });

  test('are numbered for good: the slots are pinned', () => {
    expect(CLIENT_SLOT).toEqual({
      id: 0,
      name: 1,
      uri: 2,
      refName: 3,
      refUri: 4,
      progressToken: 5,
      requestId: 6,
      notifiedToken: 7,
      method: 8,
      arguments: 9,
      refType: 10,
      protocolVersion: 11,
      clientCapabilities: 12,
    });
  });
});

describe('a message that is written over many lines', () => {
  test.each(['\n', '\r\n', '\r'])('becomes one line with the same value (%j)', (newline) => {
    const value: unknown = JSON.parse(CALL);
    const pretty = JSON.stringify(value, undefined, 2).replaceAll('\n', newline);
    const { text } = read(pretty);
    expect(text).not.toMatch(/[\r\n]/);
    expect(JSON.parse(text)).toEqual(value);
  });

  test('keeps line breaks inside strings, which are escaped', () => {
    expect(JSON.parse(read('{"id":\n1,"params":{"name":"a\\nb"}}').text)).toEqual({
      id: 1,
      params: { name: 'a\nb' },
    });
  });
});

describe('an ambiguous message', () => {
  const meta = `{"${META.protocolVersion}":"a","${META.protocolVersion}":"b"}`;
  test.each([
    ['id', '{"id":1,"id":2}', '{"id":2}'],
    ['method', '{"method":"tools/list","method":"tools/call"}', '{"method":"tools/call"}'],
    ['name', '{"params":{"name":"a","name":"b"}}', '{"params":{"name":"b"}}'],
    ['arguments', '{"params":{"arguments":{"a":1},"arguments":{}}}', '{"params":{"arguments":{}}}'],
    ['params', '{"params":{"name":"a"},"params":{"uri":"b"}}', '{"params":{"uri":"b"}}'],
    [
      'reference type',
      '{"params":{"ref":{"type":"ref/prompt","type":"ref/resource"}}}',
      '{"params":{"ref":{"type":"ref/resource"}}}',
    ],
    [
      'claimed revision',
      `{"params":{"_meta":${meta}}}`,
      `{"params":{"_meta":{"${META.protocolVersion}":"b"}}}`,
    ],
  ])('is passed on as it was parsed: %s twice', (_what, raw, canonical) => {
    expect(read(raw).text).toBe(canonical);
  });

  test.each([
    ['id', '{"id":1,"ID":2}', '{"id":1}'],
    [
      'id where there is none',
      '{"method":"notifications/x","Id":2}',
      '{"method":"notifications/x"}',
    ],
    ['method', '{"method":"tools/list","Method":"x"}', '{"method":"tools/list"}'],
    ['name', '{"id":1,"params":{"name":"a","Name":"b"}}', '{"id":1,"params":{"name":"a"}}'],
    ['params', '{"PARAM\u017f":{"name":"a"}}', '{}'],
    ['progress token', '{"params":{"_meta":{"ProgressToken":1}}}', '{"params":{"_meta":{}}}'],
    ['arguments', '{"params":{"argumentS":{"a":1}}}', '{"params":{}}'],
  ])('is passed on without the %s in another case', (_what, raw, canonical) => {
    expect(read(raw).text).toBe(canonical);
  });

  test('is one line in its canonical text too', () => {
    const raw = '{"id":1,"id":2,"a":"\u2028\u2029"}';
    expect(read(raw).text).toBe(String.raw`{"id":2,"a":"\u2028\u2029"}`);
  });

  test('keeps every case inside of arguments', () => {
    const raw = '{"params":{"name":"a","arguments":{"ID":1,"id":2,"Name":{"URI":3}}}}';
    expect(read(raw).text).toBe(raw);
  });

  test('has its places in the canonical text', () => {
    const text = read('{"id":1,"params":{"name":"a","name":"b"},"id":2}');
    expect([slot(text, 'id'), slot(text, 'name')]).toEqual(['2', '"b"']);
  });

  test('is one where a prototype is attempted: every key is only a key', () => {
    const raw = '{"id":1,"__proto__":{"__proto__":{"id":2}},"constructor":{"id":3}}';
    expect(read(raw).text).toBe(raw);
    expect(slot(read(raw), 'id')).toBe('1');
  });
});

describe('cutting for a server', () => {
  const withId = (text: ClientText, replace?: { slot: number; text: string }): unknown =>
    JSON.parse(cutForServer(text, replace).join('42'));

  test('puts one id in the place of the id and of the progress token', () => {
    expect(withId(read(CALL))).toEqual({
      jsonrpc: '2.0',
      id: 42,
      method: 'tools/call',
      params: {
        name: 'files__read',
        arguments: { id: 9, path: 'ä' },
        _meta: { progressToken: 42 },
      },
    });
  });

  test('renames, whatever stands in the names and wherever the id stands', () => {
    const raw = '{"params":{"_meta":{"progressToken":"tok"},"name":"srv__größe"},"id":5}';
    const replace = { slot: CLIENT_SLOT.name, text: JSON.stringify('日本"語') };
    expect(withId(read(raw), replace)).toEqual({
      params: { _meta: { progressToken: 42 }, name: '日本"語' },
      id: 42,
    });
  });

  test('leaves the replacement out where its place is not there', () => {
    expect(withId(read('{"id":1}'), { slot: CLIENT_SLOT.uri, text: '"x"' })).toEqual({ id: 42 });
  });

  test('leaves a message without id and token whole', () => {
    const raw = '{"method":"notifications/initialized"}';
    expect(cutForServer(read(raw))).toEqual([raw]);
  });

  test('keeps every byte that is not replaced', () => {
    const anyMembers = fc.shuffledSubarray([
      '"id": "abc"',
      '"jsonrpc":"2.0"',
      '"method":"x/y"',
      '"big":123456789012345678901234567890',
      '"params":{"name":"old" , "a":1.0,"_meta":{ "x":"\\u00e9","progressToken":17 } }',
    ]);
    fc.assert(
      fc.property(anyMembers, fc.string(), (members, name) => {
        const raw = `{${members.join(' ,')}}`;
        const text = read(raw);
        const replace = { slot: CLIENT_SLOT.name, text: JSON.stringify(name) };
        const parts = cutForServer(text, replace);
        const expected = raw
          .replace('"abc"', '\0')
          .replace('"progressToken":17', '"progressToken":\0')
          .replace('"old"', () => JSON.stringify(name));
        expect(parts.join('\0')).toBe(expected);
      }),
    );
  });
});

describe('the id of a request that is too long to be read', () => {
  const END_CHARS = 128;
  const ends = (text: string): string | undefined =>
    requestIdAtEnds(text.slice(0, END_CHARS), text.slice(-END_CHARS));
  const pad = 'x'.repeat(500);

  test.each([
    [`{"jsonrpc":"2.0","id":7,"method":"m","params":"${pad}"}`, '7'],
    [`{ "id" : "a b" , "method" : "m", "params":"${pad}"}`, '"a b"'],
    [`{"method":"m","params":"${pad}","jsonrpc":"2.0","id":7}`, '7'],
    [`{"method":"m","params":"${pad}","id":"x","jsonrpc":"2.0"} `, '"x"'],
    [`{"method":"m","params":{"a":"${pad}","id":7}}`, undefined],
    [`{"method":"m","params":"${pad},\\"id\\":7}"}`, undefined],
    [`{"jsonrpc":"2.0","id":7,"result":"${pad}"}`, undefined],
    [`{"result":"${pad}","jsonrpc":"2.0","id":7}`, undefined],
    [`{"id":"method","result":"${pad}","x":1}`, undefined],
  ])('of %s is found where it surely stands', (text, id) => {
    expect(ends(text)).toBe(id);
  });

  test('is never another value', () => {
    const id = fc.oneof(fc.integer(), fc.string());
    const message = fc.record(
      { jsonrpc: fc.constant('2.0'), id, method: fc.string(), params: fc.object(), result: id },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(message, fc.nat(), (given, turn) => {
        const members = Object.entries(given);
        const at = turn % (members.length + 1);
        const turned = Object.fromEntries([...members.slice(at), ...members.slice(0, at)]);
        const found = ends(JSON.stringify(turned));
        if (found === undefined) return;
        expect(given).toHaveProperty('method');
        expect(JSON.parse(found)).toEqual(given.id);
      }),
    );
  });
});
