import { isMap, isScalar } from 'yaml';
import type { ParsedText } from './load.ts';
import type { WrittenKeys } from './schema.ts';
import { isServerMap } from './server-maps.ts';

/** The keys of a file and of its servers; undefined where they are not simply there to read. */
export function writtenKeys({ document: { contents } }: ParsedText): WrittenKeys | undefined {
  const document = keysOf(contents);
  if (document === undefined) return undefined;
  const servers = new Set<string>();
  for (const [map, entries] of document) {
    if (!isServerMap(map)) continue;
    for (const entry of keysOf(entries)?.values() ?? [undefined]) {
      const keys = keysOf(entry);
      if (keys === undefined) return undefined;
      for (const key of keys.keys()) servers.add(key);
    }
  }
  return { document: new Set(document.keys()), servers };
}

/** Undefined for what is no mapping, and for one that takes in another (`<<`) or has keys that are no plain text. */
function keysOf(node: unknown): ReadonlyMap<string, unknown> | undefined {
  if (!isMap(node)) return undefined;
  const keys = new Map<string, unknown>();
  for (const { key, value } of node.items) {
    if (!isScalar(key) || typeof key.value !== 'string' || key.value === '<<') return undefined;
    keys.set(key.value, value);
  }
  return keys;
}
