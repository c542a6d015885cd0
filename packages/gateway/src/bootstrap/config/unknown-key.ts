import { z } from 'zod';

import { childNode, type ConfigNode, isGiven, nodeAt } from './config-node.ts';
import { type ConfigPath, formatPath } from './problem.ts';
import { type Accepts, childAccepts, knownKeys, unwrap } from './schema-walk.ts';
import { nearest } from '../../domain/near-names.ts';

/** Finds what an unknown key was meant to be: a known key of the same mapping, or the same key at another level. */

interface Where {
  /** Of the mapping that has the key. */
  readonly path: ConfigPath;
  readonly schema: z.core.$ZodType;
  readonly root: ConfigNode;
}

export function unknownKeyFix(key: string, where: Where): string {
  const { path, schema, root } = where;
  const accepts = path.reduce(childAccepts, unwrap(schema));
  const known = knownKeys(accepts);
  const meant = nearest(key, known.keys());
  if (meant !== undefined) return `did you mean "${meant}"?`;
  const below = homesBelow(key, accepts);
  const lost = emptySiblingBefore(key, { path, schema, root });
  if (lost !== undefined) return `indent it to put it under "${lost}"`;
  if (below.length > 0 && below.length <= 3)
    return `it belongs under ${below.map(inQuotes).join(' or ')}`;
  const above = homeAbove(key, where);
  if (above !== undefined) return `it belongs ${above}`;
  if (known.size <= 12) return `known keys: ${[...known.keys()].join(', ')}`;
  return 'remove it; no key here has a similar name';
}

function inQuotes(text: string): string {
  return `"${text}"`;
}

/** Blocks of this mapping, and blocks of those, that know the key. */
function homesBelow(key: string, accepts: Accepts): readonly string[] {
  return blocks(accepts).flatMap(({ label, inner }) => {
    const here = knownKeys(inner).has(key) ? [label] : [];
    const deeper = blocks(inner).filter((block) => knownKeys(block.inner).has(key));
    return [...here, ...deeper.map((block) => `${label}.${block.label}`)];
  });
}

interface Block {
  readonly label: string;
  readonly inner: Accepts;
}

function blocks(accepts: Accepts): readonly Block[] {
  const named = [...knownKeys(accepts)]
    // A synonym would only repeat what is said of `mcp_servers`.
    .filter(([label]) => label !== 'providers')
    .map(([label, schema]) => ({ label, inner: unwrap(schema) }));
  const entries = accepts.flatMap((schema) =>
    schema instanceof z.ZodRecord ? [{ label: 'ID', inner: unwrap(schema.valueType) }] : [],
  );
  return [...named, ...entries];
}

/** The nearest block above this key that was written without content and knows the key: lost indentation. */
function emptySiblingBefore(key: string, { path, schema, root }: Where): string | undefined {
  const parent = nodeAt(root, path);
  if (parent?.kind !== 'map') return undefined;
  const accepts = path.reduce(childAccepts, unwrap(schema));
  let found: string | undefined;
  for (const name of parent.entries.keys()) {
    if (name === key) return found;
    if (isGiven(childNode(parent, name))) continue;
    const inner = childAccepts(accepts, name);
    const takesEntries = inner.some((candidate) => candidate instanceof z.ZodRecord);
    if (knownKeys(inner).has(key) || (takesEntries && isBlock(childNode(parent, key))))
      found = name;
  }
  return found;
}

function isBlock(node: ConfigNode | undefined): boolean {
  return node?.kind === 'map' || !isGiven(node);
}

function homeAbove(key: string, { path, schema }: Where): string | undefined {
  for (let length = path.length - 1; length >= 0; length -= 1) {
    const accepts = path.slice(0, length).reduce(childAccepts, unwrap(schema));
    if (knownKeys(accepts).has(key)) {
      return length === 0 ? 'at the top level' : `under "${formatPath(path.slice(0, length))}"`;
    }
  }
  return undefined;
}
