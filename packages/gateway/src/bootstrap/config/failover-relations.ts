import { childNode, type ConfigNode, isGiven } from './config-node.ts';
import type { Finding, ServerNode } from './finding.ts';
import type { ConfigPath } from './problem.ts';

/** Rules between a server and its backup. */

/** @param entries every server of the configuration */
export function checkFailover(entries: readonly ServerNode[]): readonly Finding[] {
  const backups = entries.flatMap(backupOf);
  const paired = new Set(backups.map(({ of }) => of));
  const ids = new Set(entries.map(({ id }) => id));
  return [
    ...backups.flatMap(({ of, name, node, path }): readonly Finding[] => {
      const wrong = (message: string, fix: string): readonly Finding[] => [
        { node, path, message, fix },
      ];
      if (!ids.has(name))
        return wrong(`there is no server "${name}"`, 'write the id of another server');
      if (name === of) return wrong('a server is no backup of itself', 'write the id of another');
      if (paired.has(name))
        return wrong(
          `the backup "${name}" has a backup of its own`,
          'name one that has none: a failover never leads to another one',
        );
      return [];
    }),
    ...entries.flatMap(twoWays),
    ...entries.flatMap(backupMissing),
    ...twicePaired(backups),
  ];
}

interface Backup {
  readonly of: string;
  readonly name: string;
  readonly node: ConfigNode;
  readonly path: ConfigPath;
}

function backupOf({ id, node, path }: ServerNode): readonly Backup[] {
  const at = [
    [childNode(childNode(node, 'failover'), 'backup'), [...path, 'failover', 'backup']],
    [childNode(node, 'backup'), [...path, 'backup']],
  ] as const;
  return at.flatMap(([named, place]) =>
    named?.kind === 'scalar' && typeof named.value === 'string'
      ? [{ of: id, name: named.value, node: named, path: place }]
      : [],
  );
}

/** A group needs none; which keys it takes is in `group-keys.ts`. */
function backupMissing({ node, path }: ServerNode): readonly Finding[] {
  const failover = childNode(node, 'failover');
  const mode = childNode(node, 'mode');
  const isGroup = mode?.kind === 'scalar' && mode.value === 'group';
  if (failover?.kind !== 'map' || isGroup) return [];
  const members = childNode(failover, 'max_members');
  if (members !== undefined && isGiven(members)) {
    const message = '"max_members" means nothing here: only a group has members';
    const place = [...path, 'failover', 'max_members'];
    return [{ node: members, path: place, message, fix: 'remove "max_members"' }];
  }
  if (isGiven(childNode(failover, 'backup'))) return [];
  const at = [...path, 'failover', 'backup'];
  return [
    { node: failover, path: at, message: 'missing', fix: 'add "backup: ID" of another server' },
  ];
}

function twoWays({ node, path }: ServerNode): readonly Finding[] {
  const short = childNode(node, 'backup');
  if (short === undefined || !isGiven(childNode(node, 'failover'))) return [];
  const message = '"backup" is short for "failover.backup", and "failover" is given too';
  return [{ node: short, path: [...path, 'backup'], message, fix: 'keep "failover"' }];
}

/** One that stands in for two would be stopped for the one while the other needs it. */
function twicePaired(backups: readonly Backup[]): readonly Finding[] {
  return backups.flatMap(({ of, name, node, path }): readonly Finding[] => {
    const first = backups.find((other) => other.name === name);
    if (first === undefined || first.of === of) return [];
    const message = `"${name}" is the backup of "${first.of}" already`;
    return [{ node, path, message, fix: 'name another server' }];
  });
}
