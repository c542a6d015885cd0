import { McpServerId } from '../../domain/mcp-server/spec.ts';
import { nearest } from '../../domain/near-names.ts';
import { childNode, type ConfigNode, isGiven } from './config-node.ts';
import type { Finding, ServerNode } from './finding.ts';
import { GROUP_KEYS, type Whose } from './group-keys.ts';
import { identifierProblem } from './identifier.ts';
import type { ConfigPath } from './problem.ts';

/** Rules between the keys of groups and their members. */

const LAUNCH_KEYS = ['command', 'args', 'env', 'cwd', 'image', 'build', 'endpoint', 'url'] as const;
/** Of groups alone. */
const GROUPS_OWN_KEYS = [
  'members',
  'strategy',
  'min_healthy',
  'health',
  'canary',
  'session_affinity',
  'hedge_after_ms',
] as const;
const MEMBER_KEYS: ReadonlySet<string> = new Set(['id', 'weight', 'priority']);

const textOf = (node: ConfigNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;

const isGroupNode = ({ node }: Pick<ServerNode, 'node'>): boolean =>
  textOf(childNode(node, 'mode')) === 'group';

/** Problems of all groups, and of servers that have keys of groups. */
export function checkGroups(entries: readonly ServerNode[]): readonly Finding[] {
  const groups = entries.filter(isGroupNode);
  return [
    ...groups.flatMap((group) => [
      ...ofMembers(group),
      ...members(group, entries),
      ...canary(group),
      ...affinity(group),
    ]),
    ...inlineTwice(groups, entries),
    ...entries
      .filter((entry) => !isGroupNode(entry) && isDefinition(entry))
      .flatMap((entry) => onlyOfGroups(entry)),
  ];
}

/** Members that are defined in the groups themselves. */
export function inlineMembers(entries: readonly ServerNode[]): readonly ServerNode[] {
  const topLevel = new Set(entries.map(({ id }) => id));
  return entries.filter(isGroupNode).flatMap((group) =>
    memberNodes(group)
      .filter(({ id }) => !topLevel.has(id))
      .filter(isDefinition),
  );
}

function memberNodes({ node, path }: ServerNode): readonly ServerNode[] {
  const list = childNode(node, 'members');
  if (list?.kind !== 'list') return [];
  return list.items.flatMap((item, index) => {
    const id = textOf(childNode(item, 'id'));
    return id === undefined ? [] : [{ id, node: item, path: [...path, 'members', index] }];
  });
}

const isDefinition = ({ node }: ServerNode): boolean =>
  ['mode', ...LAUNCH_KEYS].some((key) => isGiven(childNode(node, key)));

function onlyOfGroups({ node, path }: ServerNode): readonly Finding[] {
  return GROUPS_OWN_KEYS.flatMap((key) => {
    const child = childNode(node, key);
    if (child === undefined || !isGiven(child)) return [];
    const message = `"${key}" means nothing here: only a group has it`;
    return [{ node: child, path: [...path, key], message, fix: `remove "${key}"` }];
  });
}

/** What is written at a group, and would do nothing there. */
function ofMembers({ node, path }: ServerNode): readonly Finding[] {
  return Object.entries<Whose | Readonly<Record<string, Whose>>>(GROUP_KEYS).flatMap(
    ([key, whose]) => {
      if (whose === 'group') return [];
      if (whose === 'members') return ofMember(node, path, key);
      const block = childNode(node, key);
      return Object.keys(whose)
        .filter((inner) => whose[inner] === 'members')
        .flatMap((inner) => ofMember(block, [...path, key], inner));
    },
  );
}

function ofMember(
  parent: ConfigNode | undefined,
  path: ConfigPath,
  key: string,
): readonly Finding[] {
  const node = childNode(parent, key);
  if (node === undefined || !isGiven(node)) return [];
  const message = `"${key}" means nothing on a group`;
  return [{ node, path: [...path, key], message, fix: 'set it at its members' }];
}

function members(group: ServerNode, entries: readonly ServerNode[]): readonly Finding[] {
  const seen = new Map<string, number>();
  return memberNodes(group).flatMap((member): readonly Finding[] => {
    const first = seen.get(member.id);
    const at = { node: childNode(member.node, 'id') ?? member.node, path: [...member.path, 'id'] };
    if (first !== undefined) {
      const message = `the member "${member.id}" is given twice`;
      return [{ ...at, message, fix: `keep one; the first is in line ${first}` }];
    }
    seen.set(member.id, member.node.keyAt.line);
    const known = entries.find(({ id }) => id === member.id);
    return known === undefined ? inline(member, at, entries) : referenced(member, at, known);
  });
}

type Place = Pick<Finding, 'node' | 'path'>;

function inline(member: ServerNode, at: Place, entries: readonly ServerNode[]): readonly Finding[] {
  if (!McpServerId.safeParse(member.id).success)
    return [{ ...at, ...identifierProblem(member.id) }];
  if (textOf(childNode(member.node, 'mode')) === 'group') {
    const message = `the member "${member.id}" is a group`;
    return [{ ...at, message, fix: 'name servers only' }];
  }
  if (isDefinition(member)) return [];
  const meant = nearest(
    member.id,
    entries.filter((entry) => !isGroupNode(entry)).map(({ id }) => id),
  );
  const define = 'add an entry of that id to mcp_servers, or "command:" or "endpoint:" here';
  const fix = meant === undefined ? define : `did you mean "${meant}"?`;
  return [{ ...at, message: `there is no server "${member.id}"`, fix }];
}

function referenced(member: ServerNode, at: Place, known: ServerNode): readonly Finding[] {
  if (isGroupNode(known)) {
    const message = `the member "${member.id}" is a group`;
    return [{ ...at, message, fix: 'name servers only' }];
  }
  const keys = member.node.kind === 'map' ? [...member.node.entries.keys()] : [];
  return keys
    .filter((key) => !MEMBER_KEYS.has(key))
    .map((key) => ({
      node: childNode(member.node, key) ?? member.node,
      path: [...member.path, key],
      message: `the server "${member.id}" is configured in line ${known.node.keyAt.line}; here "${key}" means nothing`,
      fix: 'move it there, or give the member another id',
    }));
}

function inlineTwice(
  groups: readonly ServerNode[],
  entries: readonly ServerNode[],
): readonly Finding[] {
  const topLevel = new Set(entries.map(({ id }) => id));
  const seen = new Map<string, ServerNode>();
  return groups.flatMap((group) =>
    memberNodes(group).flatMap((member): readonly Finding[] => {
      if (topLevel.has(member.id)) return [];
      const first = seen.get(member.id);
      if (first === undefined || first.path[1] === group.id) {
        seen.set(member.id, member);
        return [];
      }
      const node = childNode(member.node, 'id') ?? member.node;
      const message = `the member "${member.id}" is defined in the group "${String(first.path[1])}", too`;
      const fix = 'define it once under mcp_servers, and name its id in both';
      return [{ node, path: [...member.path, 'id'], message, fix }];
    }),
  );
}

function canary(group: ServerNode): readonly Finding[] {
  const { node, path } = group;
  const tried = childNode(node, 'canary');
  const pinned = childNode(tried, 'pinned_tenants');
  const ids = memberNodes(group).map(({ id }) => id);
  const named: readonly (readonly [ConfigNode | undefined, ConfigPath])[] = [
    [childNode(tried, 'member'), [...path, 'canary', 'member']],
    ...(pinned?.kind === 'map'
      ? [...pinned.entries].map(
          ([tenant, child]) => [child, [...path, 'canary', 'pinned_tenants', tenant]] as const,
        )
      : []),
  ];
  return named.flatMap(([child, at]): readonly Finding[] => {
    const id = textOf(child);
    if (child === undefined || id === undefined || ids.includes(id)) return [];
    const meant = nearest(id, ids);
    const fix = meant === undefined ? `name one of ${ids.join(', ')}` : `did you mean "${meant}"?`;
    return [{ node: child, path: at, message: `the group has no member "${id}"`, fix }];
  });
}

function affinity({ node, path }: ServerNode): readonly Finding[] {
  const wanted = childNode(node, 'session_affinity');
  const header = childNode(wanted, 'header');
  const isByHeader = textOf(childNode(wanted, 'by')) === 'header';
  if (wanted === undefined || isByHeader === isGiven(header)) return [];
  const at = [...path, 'session_affinity', 'header'];
  if (isByHeader) {
    const message = 'missing, and "by: header" needs it';
    return [{ node: wanted, path: at, message, fix: 'add "header: NAME"' }];
  }
  const message = '"header" means nothing without "by: header"';
  return [{ node: header ?? wanted, path: at, message, fix: 'add "by: header", or remove it' }];
}
