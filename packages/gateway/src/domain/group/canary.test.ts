import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AffinityTable } from './affinity.ts';
import { canaryMember } from './canary.ts';
import type { CanarySpec } from './spec.ts';

const sha256 = (text: string): string => hash('sha256', text);
const canary = (part: Partial<CanarySpec> = {}): CanarySpec => ({
  member: 'new',
  splitPercent: 0,
  pinnedTenants: new Map(),
  ...part,
});

describe('A canary', () => {
  it('gets the tenants whose SHA-256 modulo 100 is below the split', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 100 }), (tenant, splitPercent) => {
        const percentile = Number(BigInt(`0x${sha256(tenant)}`) % 100n);
        const expected = percentile < splitPercent ? 'new' : undefined;
        expect(canaryMember(canary({ splitPercent }), tenant, sha256)).toBe(expected);
      }),
    );
  });

  it('gets about its share of many, and everybody or nobody at the ends', () => {
    const share = (splitPercent: number): number => {
      const tenants = Array.from({ length: 2_000 }, (_, index) => `tenant-${index}`);
      const spec = canary({ splitPercent });
      return (
        tenants.filter((tenant) => canaryMember(spec, tenant, sha256) === 'new').length / 2_000
      );
    };
    expect(share(0)).toBe(0);
    expect(share(100)).toBe(1);
    expect(Math.abs(share(20) - 0.2)).toBeLessThan(0.03);
  });

  it('is passed over for tenants that are pinned', () => {
    const spec = canary({ splitPercent: 100, pinnedTenants: new Map([['acme', 'old']]) });
    expect(canaryMember(spec, 'acme', sha256)).toBe('old');
    expect(canaryMember(spec, 'other', sha256)).toBe('new');
  });
});

describe('An affinity table', () => {
  it('remembers for its time, which each use begins anew', () => {
    const table = new AffinityTable(1_000, 10);
    table.keep('client', 'a', 0);
    expect(table.find('client', 999)).toBe('a');
    table.keep('client', 'a', 999);
    expect(table.find('client', 1_998)).toBe('a');
    expect(table.find('client', 1_999)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it('never holds more clients than it may; who was used longest ago goes first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 100 }), (uses) => {
        const table = new AffinityTable(1_000_000, 5);
        uses.forEach((client, at) => table.keep(`c${client}`, `m${client}`, at));
        expect(table.size).toBeLessThanOrEqual(5);
        const latest: readonly number[] = [...new Set<number>(uses.toReversed())].slice(0, 5);
        for (const client of latest) expect(table.find(`c${client}`, 0)).toBe(`m${client}`);
      }),
    );
  });
});
