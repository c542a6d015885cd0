import type { ConfigPath } from './problem.ts';

/** The parsed text of a configuration: plain values that remember where they were written. */

export interface Place {
  readonly line: number;
  readonly column: number;
}

interface Located {
  /** Where the key that leads here is written; the value itself for list items and the root. */
  readonly keyAt: Place;
  readonly at: Place;
}

export interface ScalarNode extends Located {
  readonly kind: 'scalar';
  /** Undefined for an empty value and for `null`: both mean "not given". */
  readonly value: string | number | boolean | undefined;
  /** As written, before references were resolved; never contains what the environment gave. */
  readonly written: string;
  /** Already reported: whatever the schema says about this place is a consequence. */
  readonly broken: boolean;
}

interface MapNode extends Located {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, ConfigNode>;
}

interface ListNode extends Located {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}

export type ConfigNode = ScalarNode | MapNode | ListNode;

/** The plain value, as the schema takes it. */
export function toValue(node: ConfigNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(toValue);
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, child]) => [key, toValue(child)]));
  }
}

export function childNode(
  node: ConfigNode | undefined,
  key: string | number,
): ConfigNode | undefined {
  if (node?.kind === 'map') return node.entries.get(String(key));
  if (node?.kind === 'list') return node.items[Number(key)];
  return undefined;
}

export function nodeAt(root: ConfigNode | undefined, path: ConfigPath): ConfigNode | undefined {
  return path.reduce<ConfigNode | undefined>(childNode, root);
}

/** The node at `path`, or else the innermost one on the way to it. */
export function nearestNode(root: ConfigNode, path: ConfigPath): ConfigNode {
  let node = root;
  for (const key of path) {
    const next = childNode(node, key);
    if (next === undefined) return node;
    node = next;
  }
  return node;
}

/** Whether the key is there with a value. */
export function isGiven(node: ConfigNode | undefined): boolean {
  return node !== undefined && !(node.kind === 'scalar' && node.value === undefined);
}
