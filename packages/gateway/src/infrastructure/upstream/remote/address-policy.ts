/**
 * Where an endpoint may lead that nobody wrote into the configuration: nowhere that only this machine or its network
 * can reach. It is asked again for every connection, after the name was resolved, so that a name cannot change its
 * mind in between.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Fault } from '@mcp-hangar/kernel/errors';

type Range = readonly [address: string, prefix: number];

const V4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, and the metadata of clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
];

const V6: readonly Range[] = [
  ['::', 96], // unspecified, loopback, and the old form of IPv4 in IPv6
  ['::ffff:0:0:0', 96], // translated IPv4 (SIIT)
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23], // Teredo among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: an IPv4 address inside
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

/** Whether an address of an endpoint that is not trusted may be connected to. */
export type AddressPolicy = (address: string) => boolean;

export function publicAddressesOnly(): AddressPolicy {
  const blocked = new BlockList();
  for (const [address, prefix] of V4) {
    blocked.addSubnet(address, prefix, 'ipv4');
    // NAT64 carries the same addresses; IPv4-mapped ones are compared as IPv4 by the list itself.
    blocked.addSubnet(`64:ff9b::${address}`, 96 + prefix, 'ipv6');
  }
  for (const [address, prefix] of V6) blocked.addSubnet(address, prefix, 'ipv6');
  return (address) => {
    const plain = address.replace(/%.*$/, '');
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
    const family = isIP(mapped ?? plain);
    if (family === 0) return false;
    return !blocked.check(mapped ?? plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** @throws Fault UPSTREAM_ADDRESS_REFUSED where the host of a URL is a literal address that is not allowed */
export function checkLiteralHost(hostname: string, allows: AddressPolicy): void {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !allows(host)) throw refused(host);
}

/** Resolves names for `net.connect`, to allowed addresses only. */
export function guardedLookup(allows: AddressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      // One private address among public ones is how a rebinding looks: none of them is used.
      const bad = addresses.find(({ address }) => !allows(address));
      if (bad !== undefined) callback(refused(hostname), '');
      else if (options.all === true) callback(null, addresses);
      else answerOne(addresses, callback);
    });
  };
}

function answerOne(
  addresses: readonly LookupAddress[],
  callback: Parameters<LookupFunction>[2],
): void {
  const [first] = addresses;
  if (first === undefined) callback(new Error('no address'), '');
  else callback(null, first.address, first.family);
}

const refused = (host: string): Fault =>
  new Fault(
    'UPSTREAM_ADDRESS_REFUSED',
    `"${host}" leads to an address that is not public: only a server of the configuration file may be there`,
  );
