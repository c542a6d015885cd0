import { expect, test } from 'vitest';
import { ResponseEnd } from './response-end.ts';

const SIZED = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n0\r\n\r\nx\r\n1\r\n!\r\n0\r\n\r\n';
const EMPTY = 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n';
const NONE = 'HTTP/1.1 204 No Content\r\n\r\n';
const CONTINUED = 'HTTP/1.1 100 Continue\r\n\r\n';

test.each([
  ['with a length', SIZED],
  ['in chunks, one of which looks like the end', CHUNKED],
  ['without a body', EMPTY],
  ['that cannot have a body', NONE],
  ['after an interim one', CONTINUED + SIZED],
])('a response %s ends with its last byte, however it is cut', (_name, response) => {
  for (const size of [1, 2, 3, 7, 1_000]) {
    const connection = new ResponseEnd();
    expect(connection.isIdle).toBe(true);
    for (let round = 0; round < 2; round += 1) {
      connection.asked();
      expect(connection.isIdle).toBe(false);
      const bytes = Buffer.from(response);
      for (let at = 0; at < bytes.length; at += size) {
        expect(connection.isIdle).toBe(false);
        connection.answered(bytes.subarray(at, at + size));
      }
      expect(connection.isIdle).toBe(true);
    }
  }
});

test('what has no end but that of the connection is never over', () => {
  for (const response of [
    'HTTP/1.1 200 OK\r\n\r\nx',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  ]) {
    const connection = new ResponseEnd();
    connection.asked();
    connection.answered(Buffer.from(response));
    connection.answered(Buffer.from(SIZED));
    expect(connection.isIdle).toBe(false);
  }
});
