import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spanText } from './json-spans.ts';
import { readServerLine, SERVER_SLOT, type ServerMessage } from './server-message.ts';

/** Any unit of UTF-16, halves of pairs too. */
const anyChar = fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code));

const kindOf = (line: string): ServerMessage['kind'] | undefined => readServerLine(line)?.kind;

describe('a line of a server', () => {
  test.each([
    ['an answer', '{"jsonrpc":"2.0","id":1,"result":{}}', 'answer'],
    ['an answer with its id last', '{"result":{},"jsonrpc":"2.0","id":1}', 'answer'],
    ['an error', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}', 'answer'],
    ['an error without id', '{"jsonrpc":"2.0","id":null,"error":{}}', 'answer'],
    ['a request', '{"jsonrpc":"2.0","id":"s1","method":"roots/list"}', 'request'],
    ['a notification', '{"jsonrpc":"2.0","method":"notifications/message"}', 'notification'],
    ['an extension method', '{"method":"com.example/do-it.$v_1"}', 'notification'],
    ['an id alone', '{"jsonrpc":"2.0","id":1}', undefined],
    ['a result without id', '{"jsonrpc":"2.0","result":{}}', undefined],
    ['chatter', 'Server listening on stdio', undefined],
    ['chatter in braces', '{starting}', undefined],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"result":{}}]', undefined],
    ['half a line', '{"jsonrpc":"2.0","id":1,"result":{"content":[', undefined],
    ['two ids', '{"jsonrpc":"2.0","id":1,"result":{},"id":2}', undefined],
    ['a method that is no text', '{"id":1,"method":7}', undefined],
    ['a method with a space', '{"id":1,"method":"a b"}', undefined],
    ['a method with an escape', String.raw`{"id":1,"method":"a\u0062"}`, undefined],
    ['nothing', '', undefined],
  ])('that is %s is told apart', (_what, line, kind) => {
    expect(kindOf(line)).toBe(kind);
  });

  test('that is an answer tells id and whether it is an error', () => {
    expect(readServerLine('{"id":"7","result":1}')).toMatchObject({ rawId: '"7"', isError: false });
    expect(readServerLine('{"id":7,"error":{}}')).toMatchObject({ rawId: '7', isError: true });
  });

  test('has an id of 1,024 characters at most: it is kept while a client thinks', () => {
    const line = (chars: number): string => `{"id":"${'i'.repeat(chars - 2)}","method":"m"}`;
    expect(kindOf(line(1_024))).toBe('request');
    expect(kindOf(line(1_025))).toBeUndefined();
  });

  test('gives the places that are rewritten', () => {
    const subscription = '"io.modelcontextprotocol/subscriptionId"';
    const message = readServerLine(
      `{"method":"notifications/x","params":{"progressToken":"p","requestId":4,"uri":"u:/","_meta":{"progressToken":5,${subscription}:6}}}`,
    );
    const at = (slot: number): string | undefined =>
      message && spanText(message.line.text, message.line.spans, slot);
    expect(at(SERVER_SLOT.progressToken)).toBe('"p"');
    expect(at(SERVER_SLOT.requestId)).toBe('4');
    expect(at(SERVER_SLOT.updatedUri)).toBe('"u:/"');
    expect(at(SERVER_SLOT.metaToken)).toBe('5');
    expect(at(SERVER_SLOT.subscriptionId)).toBe('6');
    const answer = readServerLine(`{"id":1,"result":{"_meta":{${subscription}:9}}}`);
    const { text = '', spans = new Int32Array() } = answer?.line ?? {};
    expect(spanText(text, spans, SERVER_SLOT.resultSubscriptionId)).toBe('9');
  });

  test('never makes the reader throw', () => {
    const anyLine = fc.oneof(
      fc.string({ unit: anyChar }),
      fc.string({
        unit: fc.constantFrom(...Array.from('{}[]":,\\ idmethod1'), '"id"', '"method"', '"result"'),
      }),
      fc.constant('{"id":1,"result":{"__proto__":{"__proto__":{"a":1}}}}'),
      fc.constant('{"__proto__":{"__proto__":{"a":1}},"method":"x"}'),
    );
    fc.assert(
      fc.property(anyLine, (line) => {
        expect(() => readServerLine(line)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  test('counts bytes, so that a span of a latin1 text fits the bytes', () => {
    const bytes = Buffer.from('{"method":"notifications/x","params":{"uri":"x://größe"}}');
    const message = readServerLine(bytes.toString('latin1'));
    const { text = '', spans = new Int32Array() } = message?.line ?? {};
    const uri = spanText(text, spans, SERVER_SLOT.updatedUri) ?? '';
    expect(Buffer.from(uri, 'latin1').toString('utf8')).toBe('"x://größe"');
  });
});
