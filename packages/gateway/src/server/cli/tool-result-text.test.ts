import { expect, test } from 'vitest';
import { toolResultText } from './tool-result-text.ts';

const png = 'A'.repeat(16_000);

test.each([
  [{ content: [{ type: 'text', text: 'one\ntwo' }] }, 'one\ntwo'],
  [{ content: [{ type: 'image', data: png, mimeType: 'image/png' }] }, '[image/png, 12 kB]'],
  [{ content: [{ type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }] }, '[audio/wav, 3 B]'],
  [
    { content: [{ type: 'resource_link', name: 'a', uri: 'file:///a', mimeType: 'text/plain' }] },
    '[resource a, file:///a, text/plain]',
  ],
  [{ content: [{ type: 'resource', resource: { uri: 'file:///a', text: 'inside' } }] }, 'inside'],
  [
    { content: [{ type: 'resource', resource: { uri: 'file:///a', blob: 'AAAA' } }] },
    '[resource file:///a, 3 B]',
  ],
  [{ content: [{ type: 'text', text: '{"a": 1}' }], structuredContent: { a: 1 } }, '{"a": 1}'],
  [{ content: [{ type: 'text', text: 'x' }], structuredContent: { a: 1 } }, 'x\n{\n  "a": 1\n}'],
  [{ content: [{ type: 'text', text: 'x' }], structuredContent: { content: 'x' } }, 'x'],
  [{ structuredContent: { a: 1 } }, '{\n  "a": 1\n}'],
  [{ content: [{ type: 'later', some: 'thing' }] }, '{\n  "type": "later",\n  "some": "thing"\n}'],
  [{}, ''],
])('%j is read as %j', (result, text) => {
  expect(toolResultText(result, true)).toBe(text);
});

test('what steers a terminal reaches a pipe only', () => {
  const result = { content: [{ type: 'text', text: '\u001B[2Jgone\ttab\n' }] };
  expect(toolResultText(result, true)).toBe('\uFFFD[2Jgone\ttab\n');
  expect(toolResultText(result, false)).toBe('\u001B[2Jgone\ttab\n');
});
