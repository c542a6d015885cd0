import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkLiteralHost, publicAddressesOnly } from './address-policy.ts';

const allows = publicAddressesOnly();

const PRIVATE = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
];

describe('an address of an endpoint that is not trusted', () => {
  test.each(PRIVATE)('is refused where it is %s, in every spelling of IPv6 too', (address) => {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    for (const spelling of [
      address,
      `::ffff:${address}`,
      `::FFFF:${address}`,
      `::ffff:${hex}`,
      `0:0:0:0:0:ffff:${hex}`,
      `::${hex}`,
      `64:ff9b::${hex}`,
      `2002:${hex}::1`,
    ])
      expect([spelling, allows(spelling)]).toEqual([spelling, false]);
  });

  test.each([
    '::',
    '::1',
    '::ffff:0:7f00:1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12::1',
    'ff02::1',
    'fec0::1',
  ])('is refused where it is %s', (address) => expect(allows(address)).toBe(false));

  test.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111'])(
    'is allowed where it is %s',
    (address) => expect(allows(address)).toBe(true),
  );

  test('is refused where it is none', () => {
    fc.assert(fc.property(fc.string(), (text) => void allows(text)));
    for (const text of ['', 'localhost', '1.2.3', '0x7f.1', '2130706433'])
      expect(allows(text)).toBe(false);
  });
});

test.each(['127.0.0.1', '[::1]', '[::ffff:10.0.0.1]'])(
  'a URL with the host %s is refused',
  (host) => {
    expect(() => checkLiteralHost(host, allows)).toThrow(/is not public/);
  },
);

test('names and public addresses are left to the resolver', () => {
  for (const host of ['example.com', '1.1.1.1', '[2606:4700:4700::1111]'])
    expect(() => checkLiteralHost(host, allows)).not.toThrow();
});
