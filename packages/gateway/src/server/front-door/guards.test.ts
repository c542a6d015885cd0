import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { forbidden, type GuardOptions } from './guards.ts';

const OPTIONS: GuardOptions = {
  allowedHosts: ['hangar.example.com', 'Other.example.com:8443'],
  allowedOrigins: ['https://app.example.com', 'vscode-webview://abc'],
};

function check(
  headers: { readonly host?: string; readonly origin?: string },
  options: GuardOptions = OPTIONS,
): string | undefined {
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  return forbidden(request, options);
}

describe('the Host of a request', () => {
  test.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST:8080',
    '127.0.0.1',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:80',
    'hangar.example.com',
    'HANGAR.example.com:443',
    'other.example.com:8443',
  ])('may be %s', (host) => {
    expect(check({ host })).toBeUndefined();
  });

  test.each([
    '',
    'evil.com',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    'evil.com:8080',
    'evil-localhost',
    'xlocalhost',
    'localhost.',
    'localhost:8080.evil.com',
    'localhost:123456',
    'localhost:',
    'localhost:80:80',
    'localhost@evil.com',
    'user@localhost',
    'localhost, evil.com',
    'localhost/evil.com',
    'localhost evil.com',
    '::1',
    '[::1].evil.com',
    '[::2]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '127.1',
    '127.0.0.2',
    '2130706433',
    'hangar.example.com.evil.com',
    'x.hangar.example.com',
    'other.example.com',
    'other.example.com:8444',
  ])('may not be %j', (host) => {
    expect(check({ host })).toBe(`Host "${host}" is not allowed; add it to http.allowed_hosts`);
  });

  test('may not be missing', () => {
    expect(check({})).toBe('Host "" is not allowed; add it to http.allowed_hosts');
  });
});

describe('the Origin of a request', () => {
  const host = 'localhost';

  test.each([
    'http://localhost',
    'http://localhost:5173',
    'https://LOCALHOST:3000',
    'http://127.0.0.1:8080',
    'http://[::1]:80',
    'https://app.example.com',
    'vscode-webview://abc',
  ])('may be %s', (origin) => {
    expect(check({ host, origin })).toBeUndefined();
  });

  test.each([
    '',
    'null',
    'http://evil.com',
    'http://localhost.evil.com',
    'http://127.0.0.1.evil.com',
    'http://localhost@evil.com',
    'http://user@localhost',
    'http://user:pass@localhost:80',
    'http://evil.com#localhost',
    'http://evil.com/localhost',
    'http://localhost/',
    'http://localhost:80:80',
    'http://localhost:123456',
    'http://localhost\\evil.com',
    'http://[::1].evil.com',
    'file://localhost',
    'ftp://localhost',
    'localhost',
    '//localhost',
    'https://app.example.com.evil.com',
    'https://app.example.com:8443',
    'https://APP.example.com',
    'http://app.example.com',
    'chrome-extension://localhost',
  ])('may not be %j', (origin) => {
    expect(check({ host, origin })).toBe(
      `Origin "${origin}" is not allowed; add it to http.allowed_origins`,
    );
  });

  test('may be missing: only browsers send it', () => {
    expect(check({ host })).toBeUndefined();
  });
});

test('what is allowed is allowed exactly: no star, no ending, no empty name', () => {
  const options: GuardOptions = { allowedHosts: ['*', '.example.com'], allowedOrigins: ['*'] };
  expect(check({ host: 'evil.com' }, options)).toBeDefined();
  expect(check({ host: 'x.example.com' }, options)).toBeDefined();
  expect(check({ host: 'localhost', origin: 'http://evil.com' }, options)).toBeDefined();
});
