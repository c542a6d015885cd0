/** What a gateway reads when it starts only. */
import { randomUUID } from 'node:crypto';
import { compareConfigs } from '../../domain/effective-config.ts';
import { isSame } from '../../domain/mcp-server/spec-change.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { ConfigSource } from '../config/load-config.ts';

/** How each part of a configuration takes effect: with a reload, or by the block of the file that needs a restart. */
const APPLIED = {
  path: 'live',
  servers: 'live',
  groups: 'live',
  notices: 'live',
  reload: 'live',
  execution: 'live',
  http: { restart: 'http' },
  limits: { restart: 'limits' },
  catalog: { restart: 'catalog' },
  toolAccess: { restart: 'tool_access' },
  logging: { restart: 'logging' },
  truncation: { restart: 'truncation' },
  persistence: { restart: 'persistence' },
  eventLog: { restart: 'event_store' },
} as const satisfies Readonly<Record<keyof GatewayConfig, 'live' | { readonly restart: string }>>;

/** The blocks of the file whose values differ and that a running gateway cannot take over. */
export function blocksToRestart(old: GatewayConfig, next: GatewayConfig): readonly string[] {
  // The keys of the table are those of the type.
  const parts = Object.keys(APPLIED) as (keyof GatewayConfig)[];
  return parts.flatMap((part) => {
    const applied = APPLIED[part];
    return applied === 'live' || isSame(old[part], next[part]) ? [] : [applied.restart];
  });
}

/** The keys of those blocks by name; the blocks themselves where two of them say the same in other words. */
export async function changedKeys(
  old: ConfigSource,
  now: ConfigSource,
  blocks: readonly string[],
): Promise<readonly string[]> {
  const { effectiveConfig } = await import('../config/effective.ts');
  const salt = randomUUID();
  const [before, after] = [effectiveConfig(old, salt), effectiveConfig(now, salt)];
  if (!before.ok || !after.ok) return blocks;
  const { values } = compareConfigs(before.value, after.value);
  const keys = values.map(({ key }) => key).filter(needsRestart);
  return keys.length === 0 ? blocks : keys;
}

const RESTARTS: ReadonlySet<string> = new Set(
  Object.values(APPLIED).flatMap((applied) => (applied === 'live' ? [] : [applied.restart])),
);

/** Whether a key of the file is read at the start only. */
export const needsRestart = (key: string): boolean => RESTARTS.has(key.split(/[.[]/, 1)[0] ?? '');
