/** What the log is told of servers that come into the configuration, change there, or leave it. */
import { hash } from 'node:crypto';
import type { McpServerEvent } from '../../domain/mcp-server/events.ts';
import type { Step } from '../../domain/mcp-server/generations.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import { modeOf, type McpServerSpec } from '../../domain/mcp-server/spec.ts';

type Registration = Extract<
  McpServerEvent,
  { type: 'McpServerRegistered' | 'McpServerUpdated' | 'McpServerDeregistered' }
>;

const source = 'config';

/** What differs from what the log said when the gateway began. */
export function registeredAtBoot(
  past: ReadonlyMap<string, Lifecycle>,
  specs: readonly McpServerSpec[],
): readonly Registration[] {
  const ids = new Set<string>(specs.map(({ id }) => id));
  const gone = [...past].filter(([id, state]) => state.registeredAs !== undefined && !ids.has(id));
  const news = specs.flatMap((spec) => {
    const known = past.get(spec.id)?.registeredAs;
    if (known === undefined) return [registered(spec)];
    return known === fingerprintOf(spec) ? [] : [updated(spec)];
  });
  return [...gone.map(([id]) => deregistered(id)), ...news];
}

/** @param removed ids of servers that are not there any more */
export const registeredByReload = (
  steps: readonly Step[],
  removed: readonly string[],
): readonly Registration[] => [
  ...removed.map(deregistered),
  ...steps.flatMap(({ spec, change }) => {
    if (change === 'none') return [];
    return [change === undefined ? registered(spec) : updated(spec)];
  }),
];

const registered = (spec: McpServerSpec): Registration => ({
  type: 'McpServerRegistered',
  data: {
    mcp_server_id: spec.id,
    source,
    mode: modeOf(spec),
    fingerprint: fingerprintOf(spec),
  },
});

const updated = (spec: McpServerSpec): Registration => ({
  type: 'McpServerUpdated',
  data: { mcp_server_id: spec.id, source, fingerprint: fingerprintOf(spec) },
});

const deregistered = (id: string): Registration => ({
  type: 'McpServerDeregistered',
  data: { mcp_server_id: id, source },
});

/** Another one where anything of the specification is another; of secrets only what `digest` says. */
const fingerprintOf = (spec: McpServerSpec): string =>
  hash('sha256', JSON.stringify(spec, plain), 'base64url').slice(0, FINGERPRINT_CHARS);
const FINGERPRINT_CHARS = 22;

/** What JSON has no words for. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Set || value instanceof Map) return [...value];
  return value === Number.POSITIVE_INFINITY ? 'infinite' : value;
}
