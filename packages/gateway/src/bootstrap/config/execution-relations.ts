import { nearest } from '../../domain/near-names.ts';
import { childNode, type ConfigNode, isGiven, nodeAt } from './config-node.ts';
import type { Finding } from './finding.ts';
import type { ConfigPath } from './problem.ts';
import { SERVER_MAPS } from './server-maps.ts';

/** Rules between the keys of limits and retries. */

/** `burst` of a server says nothing without a rate. */
export function burstAlone(entry: {
  readonly node: ConfigNode;
  readonly path: ConfigPath;
}): readonly Finding[] {
  const limit = childNode(entry.node, 'rate_limit');
  const burst = childNode(limit, 'burst');
  if (burst === undefined || !isGiven(burst) || isGiven(childNode(limit, 'rps'))) return [];
  const path = [...entry.path, 'rate_limit', 'rps'];
  return [
    { node: burst, path, message: 'missing, and "burst" needs it', fix: 'add "rps: NUMBER"' },
  ];
}

/** Of the members of a group, which may be defined in it. */
function memberIds(entry: ConfigNode): readonly string[] {
  const members = childNode(entry, 'members');
  if (members?.kind !== 'list') return [];
  return members.items.flatMap((member) => {
    const id = childNode(member, 'id');
    return id?.kind === 'scalar' && typeof id.value === 'string' ? [id.value] : [];
  });
}

/** Policies for ids that no server has. */
export function policiesOfNobody(root: ConfigNode): readonly Finding[] {
  const ids = SERVER_MAPS.flatMap((map) => {
    const servers = childNode(root, map);
    if (servers?.kind !== 'map') return [];
    return [...servers.entries].flatMap(([id, entry]) => [id, ...memberIds(entry)]);
  });
  return ['per_mcp_server', 'per_provider'].flatMap((key) => {
    const policies = nodeAt(root, ['retry', key]);
    if (policies?.kind !== 'map') return [];
    return [...policies.entries]
      .filter(([id]) => !ids.includes(id))
      .map(([id, node]) => {
        const meant = nearest(id, ids);
        const fix = meant === undefined ? 'use the id of a server' : `did you mean "${meant}"?`;
        return { node, path: ['retry', key, id], message: `no server has the id "${id}"`, fix };
      });
  });
}
