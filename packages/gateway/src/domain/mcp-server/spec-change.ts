/** What a change of a server's specification asks for while the gateway runs. */
import { Secret } from '@mcp-hangar/kernel/secret';
import type { McpServerSpec } from './spec.ts';

/**
 * How each member of a specification takes effect. `live`: read anew each time, or handed over by `McpServer.adopt`.
 * `replaces`: what runs was made from it, so another server takes the place of the old one. `switch`: the server is
 * there or not.
 */
export const EFFECT_OF = {
  id: 'replaces',
  description: 'live',
  enabled: 'switch',
  autoStart: 'live',
  launch: 'replaces',
  digest: 'replaces',
  secrets: 'live',
  era: 'replaces',
  sharing: 'replaces',
  idleTtlMs: 'live',
  startupTimeoutMs: 'live',
  callTimeoutMs: 'live',
  failuresMax: 'live',
  healthIntervalMs: 'live',
  // It counts by its policy: another one would begin anew, as another server does.
  breaker: 'replaces',
  failover: 'live',
  execution: 'live',
  // The pool of them is made with the server.
  replicas: 'replaces',
  leasedChildrenMax: 'live',
  sessionChildrenMax: 'live',
  predefinedTools: 'live',
  hiddenTools: 'live',
} as const satisfies Readonly<Record<keyof McpServerSpec, 'live' | 'replaces' | 'switch'>>;

export type SpecChange =
  | 'none'
  /** The server goes on, with other values. */
  | 'live'
  /** Another server takes its place. */
  | 'replaces'
  | 'switched-on'
  | 'switched-off';

/** What has to be done so that a server is as `next` says. */
export function specChange(old: McpServerSpec, next: McpServerSpec): SpecChange {
  if (old.enabled !== next.enabled) return next.enabled ? 'switched-on' : 'switched-off';
  // The keys of the table are those of the type.
  const members = Object.keys(EFFECT_OF) as (keyof McpServerSpec)[];
  const changed = members.filter((member) => !isSame(old[member], next[member]));
  if (changed.length === 0) return 'none';
  return changed.some((member) => EFFECT_OF[member] === 'replaces') ? 'replaces' : 'live';
}

/** Whether two values of a configuration are the same, secrets included; what is undefined is not there. */
export function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (left instanceof Secret || right instanceof Secret)
    return left instanceof Secret && right instanceof Secret && left.reveal() === right.reveal();
  if (left instanceof Map || right instanceof Map)
    return left instanceof Map && right instanceof Map && isSame(entriesOf(left), entriesOf(right));
  if (!isComposed(left) || !isComposed(right)) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) if (!isSame(left[key], right[key])) return false;
  return true;
}

const entriesOf = (map: ReadonlyMap<unknown, unknown>): unknown => Object.fromEntries(map);

const isComposed = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
