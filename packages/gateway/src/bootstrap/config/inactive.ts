import type { z } from 'zod';

import { childNode, type ConfigNode, isGiven } from './config-node.ts';
import { type ConfigPath, type ConfigProblem, formatPath } from './problem.ts';
import { type Accepts, childAccepts, factsOf, knownKeys, unwrap } from './schema-walk.ts';
import { isServerMap } from './server-maps.ts';

/** Keys that are written but that this build cannot obey; `inactive` in the schema says what that means for each. */

interface InactiveKeys {
  /** One line for each key name, in file order. */
  readonly notices: readonly string[];
  readonly problems: readonly ConfigProblem[];
}

interface Walk {
  readonly file: string;
  readonly notices: Set<string>;
  readonly problems: ConfigProblem[];
}

export function findInactive(
  file: string,
  schema: z.core.$ZodType,
  root: ConfigNode,
): InactiveKeys {
  const walk: Walk = { file, notices: new Set(), problems: [] };
  visit(walk, root, { path: [], accepts: unwrap(schema) });
  return { notices: [...walk.notices], problems: walk.problems };
}

interface Here {
  readonly path: ConfigPath;
  readonly accepts: Accepts;
}

function visit(walk: Walk, node: ConfigNode, here: Here): void {
  if (node.kind === 'scalar') return;
  const children = node.kind === 'map' ? node.entries : node.items.entries();
  const known = node.kind === 'map' ? knownKeys(here.accepts) : new Map<string, never>();
  for (const [key, child] of children) {
    const path = [...here.path, key];
    const schema = known.get(String(key));
    const inactive = schema === undefined ? undefined : factsOf(schema).inactive;
    if (!isGiven(child) && inactive !== undefined) continue;
    if (inactive === 'refuse' && !isSwitchedOff(child, path)) {
      walk.problems.push(refusal(walk.file, child, path));
    } else if (inactive === undefined) {
      visit(walk, child, { path, accepts: childAccepts(here.accepts, key) });
    } else {
      walk.notices.add(`\`${label(path)}\` is not active in this build`);
      // An access policy inside a part that is not active is still one that somebody relies on.
      if (isServerMap(path[0]))
        visit(walk, child, { path, accepts: childAccepts(here.accepts, key) });
    }
  }
}

/** `auth` and `approvals` ask for nothing when they say so themselves. */
function isSwitchedOff(node: ConfigNode, path: ConfigPath): boolean {
  if (path.length !== 1 || (path[0] !== 'auth' && path[0] !== 'approvals')) return false;
  const enabled = childNode(node, 'enabled');
  return enabled?.kind === 'scalar' && enabled.value === false;
}

const FIXES: Readonly<Record<string, string>> = {
  auth: 'remove it or set auth.enabled: false, and keep the gateway on loopback',
  approvals: 'remove it or set approvals.enabled: false; no call would be asked about',
  interceptors: 'remove it; arguments would not be checked',
  rules: 'remove it; every client would see every tool',
  capabilities: 'remove it or run the server elsewhere; nothing would be enforced',
  tool_projection: 'remove it or run the server elsewhere; pins and withdrawals would be ignored',
};

function refusal(file: string, node: ConfigNode, path: ConfigPath): ConfigProblem {
  return {
    file,
    ...node.keyAt,
    path: formatPath(path),
    message: `\`${label(path)}\` is not active in this build`,
    fix:
      FIXES[String(path.at(-1))] ??
      'remove it or run the server elsewhere; ignoring it would open access',
  };
}

/** The name of a key without the server it was written for, so that a hundred servers give one line. */
function label(path: ConfigPath): string {
  const inServer = isServerMap(path[0]) ? path.slice(2) : path;
  return formatPath(inServer.filter((key) => typeof key === 'string'));
}
