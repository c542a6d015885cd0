/**
 * What two gateways of one user say to each other on the local socket before (and after) it carries something else:
 * one JSON line each. The owner of the state folder answers; everybody else connects.
 */
import { objectIn } from './query.ts';

/** Raised when an older gateway could misread a newer one. */
export const LINK_VERSION = 1;
/** Longest greeting that is read. */
export const GREETING_BYTES_MAX = 16_384;

/** What a connection is to carry: one stdio client, one HTTP connection, nothing but the owner's end, or a question. */
export const WANTS = ['mcp', 'http', 'watch', 'query'] as const;
export type Want = (typeof WANTS)[number];

/**
 * Whether a want is served only where both sides have the same configuration. Clients are: they were told of other
 * servers. A question is about the gateway that runs, and is asked most where the file was changed since, or from a
 * terminal without the variables of whoever started it.
 */
export const needsSameConfiguration = (want: string): boolean => want !== 'query';

/** Why an owner does not serve. `stopping` passes; for all others the connector is on its own. */
export const REFUSALS = [
  'other-version',
  'other-configuration',
  'unknown-want',
  'stopping',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface Hello {
  readonly version: number;
  readonly want: string;
  /** Of the configuration that the connector would serve. */
  readonly digest: string;
}

/** What a bridge must know of the gateway that it bridges to. */
export interface OwnerFacts {
  readonly pid: number;
  /** How long the owner waits for calls in flight when a client leaves. */
  readonly graceMs: number;
  /** Longest line that a client may write, and longest one that it may get. */
  readonly bodyBytesMax: number;
  readonly lineBytesMax: number;
  /** Of its program; undefined where it does not say. */
  readonly version?: string | undefined;
}

export type Welcome =
  | ({ readonly isWelcome: true } & OwnerFacts)
  | { readonly isWelcome: false; readonly reason: Refusal };

export const helloLine = (want: Want, digest: string): string =>
  `${JSON.stringify({ hangar: LINK_VERSION, want, digest })}\n`;

/** Undefined for what no connector of ours writes. */
export function readHello(line: string): Hello | undefined {
  const value = objectIn(line);
  if (value === undefined) return undefined;
  const { hangar, want, digest } = value;
  if (typeof hangar !== 'number' || typeof want !== 'string' || typeof digest !== 'string')
    return undefined;
  return { version: hangar, want, digest };
}

export const welcomeLine = (facts: OwnerFacts): string =>
  `${JSON.stringify({
    hangar: LINK_VERSION,
    ok: true,
    pid: facts.pid,
    grace_ms: facts.graceMs,
    body_bytes_max: facts.bodyBytesMax,
    line_bytes_max: facts.lineBytesMax,
    version: facts.version,
  })}\n`;

export const refusalLine = (reason: Refusal): string =>
  `${JSON.stringify({ hangar: LINK_VERSION, ok: false, reason })}\n`;

/** Undefined for what no owner of ours answers. */
export function readWelcome(line: string): Welcome | undefined {
  const value = objectIn(line);
  if (value === undefined || typeof value['hangar'] !== 'number') return undefined;
  if (value['ok'] !== true) {
    // A newer owner may have further reasons; what they have in common is that it does not serve.
    const reason = REFUSALS.find((known) => known === value['reason']) ?? 'other-version';
    return { isWelcome: false, reason };
  }
  const numbers = ['pid', 'grace_ms', 'body_bytes_max', 'line_bytes_max'].map((key) => value[key]);
  const [pid, graceMs, bodyBytesMax, lineBytesMax] = numbers.filter(
    (each) => typeof each === 'number',
  );
  if (pid === undefined || graceMs === undefined) return undefined;
  if (bodyBytesMax === undefined || lineBytesMax === undefined) return undefined;
  const { version } = value;
  const said = typeof version === 'string' ? { version } : {};
  return { isWelcome: true, pid, graceMs, bodyBytesMax, lineBytesMax, ...said };
}

/** Tells a bridge that the owner ends: answers follow, but its client's subscriptions are not over. */
export const STOPPING_LINE = '{"hangar":1,"stopping":true}';

/**
 * The owner's last line on a connection that carried a client: how many bytes of the client it has taken. What was
 * sent beyond has reached nobody and may be sent to the next gateway.
 */
export const farewellLine = (readBytes: number): string =>
  `{"hangar":1,"ended":true,"read":${readBytes}}\n`;

/** The number of a farewell; undefined for every other line. No message of MCP has this form. */
export function readFarewell(line: string): number | undefined {
  const match = /^\{"hangar":1,"ended":true,"read":(\d{1,15})\}$/.exec(line);
  return match === null ? undefined : Number(match[1]);
}
