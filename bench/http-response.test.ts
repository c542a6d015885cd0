import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { ResponseReader } from './http-response.ts';

const SIZED = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMcp-Session-Id: a\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n';

test.each([
  ['with a length', SIZED],
  ['in chunks', CHUNKED],
])('a body %s is read whichever way its bytes are cut', (_what, text) => {
  for (let cut = 1; cut < text.length; cut += 1) {
    const reader = new ResponseReader();
    expect(reader.push(Buffer.from(text.slice(0, cut)))).toBeUndefined();
    const response = reader.push(Buffer.from(text.slice(cut)));
    expect(response?.status).toBe(200);
    expect(response?.body.toString()).toBe('hello');
  }
});

test('one reader reads response after response', () => {
  const reader = new ResponseReader();
  for (const text of [
    SIZED,
    CHUNKED,
    'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n',
    SIZED,
  ]) {
    expect(reader.push(Buffer.from(text))).toBeDefined();
  }
});
