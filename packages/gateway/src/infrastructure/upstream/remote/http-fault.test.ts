import { describe, expect, test } from 'vitest';
import { Fault } from '@mcp-hangar/kernel/errors';
import { statusFault, transportFault } from './http-fault.ts';

const URL_WITH_SECRET = new URL('https://host.example/mcp?key=secret');
const failure = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });

describe('a failed connection', () => {
  test.each([
    ['ECONNREFUSED', 'UPSTREAM_UNREACHABLE', /nothing listens there/],
    ['ENOTFOUND', 'UPSTREAM_UNREACHABLE', /no such host/],
    ['UND_ERR_CONNECT_TIMEOUT', 'UPSTREAM_UNREACHABLE', /http\.connect_timeout/],
    ['EHOSTUNREACH', 'UPSTREAM_UNREACHABLE', /check the endpoint and the network/],
    ['CERT_HAS_EXPIRED', 'UPSTREAM_TLS_FAILED', /has expired/],
    ['ERR_SSL_SOMETHING_NEW', 'UPSTREAM_TLS_FAILED', /check its certificate/],
    ['UND_ERR_PRX_CONN', 'UPSTREAM_UNREACHABLE', /the proxy gave no connection/],
  ])('(%s) is %s with a way out, and no query of the URL', (code, expected, says) => {
    const fault = transportFault(failure(code), URL_WITH_SECRET, false);
    expect(fault.code).toBe(expected);
    expect(fault.message).toMatch(says);
    expect(fault.message).not.toContain('secret');
  });

  test('after something was sent is the end of the call, whatever the reason', () => {
    expect(transportFault(failure('ECONNRESET'), URL_WITH_SECRET, true).code).toBe(
      'UPSTREAM_ENDED',
    );
  });

  test('says what the first of several attempts met, and passes faults on', () => {
    const many = new AggregateError([failure('ECONNREFUSED'), failure('ENETUNREACH')]);
    expect(transportFault(many, URL_WITH_SECRET, false).message).toContain('ECONNREFUSED');
    const refused = new Fault('UPSTREAM_ADDRESS_REFUSED', 'no');
    expect(transportFault(refused, URL_WITH_SECRET, false)).toBe(refused);
  });
});

describe('a status', () => {
  const fault = (status: number, headers = {}, said?: string): Fault =>
    statusFault({ status, headers, said }, URL_WITH_SECRET, { kind: 'none' });

  test.each([
    ['5', 5_000],
    ['0', 0],
    ['-1', undefined],
    ['soon', undefined],
    ['999999999', 86_400_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('429 with retry-after %s waits %s ms', (text, retryAfterMs) => {
    const { data } = fault(429, { 'retry-after': text });
    expect(data?.['retryAfterMs']).toBe(retryAfterMs);
  });

  test('401 with a challenge of OAuth says that this waits', () => {
    const challenge = { 'www-authenticate': 'Bearer resource_metadata="https://x"' };
    expect(fault(401, challenge).message).toMatch(/it offers OAuth, which waits/);
    expect(fault(401).message).not.toMatch(/OAuth/);
  });

  test('quotes what the server says, in one short line', () => {
    const { message } = fault(500, {}, `a\n  b ${'x'.repeat(500)}`);
    expect(message).toContain('a b xxx');
    expect(message.length).toBeLessThan(400);
  });
});
