/** Which tenants try the new member of a group. */
import type { CanarySpec } from './spec.ts';

const HASH_DIGITS = 12;

/**
 * The member that a tenant is to be sent to; undefined where the balancer decides.
 * @param sha256 hexadecimal digest of a text
 */
export function canaryMember(
  { member, splitPercent, pinnedTenants }: CanarySpec,
  tenant: string,
  sha256: (text: string) => string,
): string | undefined {
  const pinned = pinnedTenants.get(tenant);
  if (pinned !== undefined) return pinned;
  if (splitPercent <= 0) return undefined;
  return percentileOf(sha256(tenant)) < splitPercent ? member : undefined;
}

/** The digest, as a number, modulo 100: 0 to 99. */
function percentileOf(digest: string): number {
  let rest = 0;
  // Digit groups that stay exact as doubles.
  for (let at = 0; at < digest.length; at += HASH_DIGITS) {
    const digits = digest.slice(at, at + HASH_DIGITS);
    rest = (rest * (16 ** digits.length % 100) + (Number.parseInt(digits, 16) % 100)) % 100;
  }
  return rest;
}
