/** Protocol revisions and eras. `legacy` revisions have a handshake and sessions, `modern` ones are stateless. */

export type Era = 'legacy' | 'modern';

/** Newest first; the first is what we ask a server for. */
const LEGACY_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export const LATEST_LEGACY_REVISION = LEGACY_REVISIONS[0];
export const MODERN_REVISION = '2026-07-28';
export const SUPPORTED_REVISIONS: readonly string[] = [MODERN_REVISION, ...LEGACY_REVISIONS];

/** The only revision with JSON-RPC batches. */
export const BATCH_REVISION = '2025-03-26';
/** From this revision on an event stream opens with an event that has an id and no data (SEP-1699). */
export const PRIMING_REVISION = '2025-11-25';

const RESERVED = 'io.modelcontextprotocol/';
/** `_meta` keys of the modern era. */
export const META = {
  prefix: RESERVED,
  protocolVersion: `${RESERVED}protocolVersion`,
  clientCapabilities: `${RESERVED}clientCapabilities`,
  clientInfo: `${RESERVED}clientInfo`,
  serverInfo: `${RESERVED}serverInfo`,
  logLevel: `${RESERVED}logLevel`,
  subscriptionId: `${RESERVED}subscriptionId`,
} as const;

/** Whether a header value names a revision of the modern era, known or not. */
export const isModernRevision = (text: string | undefined): boolean =>
  text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && text >= MODERN_REVISION;

/** The revision that a session speaks: what the client asked for where we know it, else our newest. */
export function negotiateLegacy(requested: unknown): string {
  return LEGACY_REVISIONS.find((revision) => revision === requested) ?? LATEST_LEGACY_REVISION;
}
