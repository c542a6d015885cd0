import type { z } from 'zod';

import { childNode, type ConfigNode, isGiven, nodeAt } from './config-node.ts';
import type { Finding, ServerNode } from './finding.ts';
import { checkPersistence } from './persistence-relations.ts';
import { type ConfigPath, type ConfigProblem, formatPath } from './problem.ts';
import { type Accepts, childAccepts, factsOf, knownKeys, unwrap } from './schema-walk.ts';
import { burstAlone, policiesOfNobody } from './execution-relations.ts';
import { checkFailover } from './failover-relations.ts';
import { checkGroups, inlineMembers } from './group-relations.ts';
import { checkRemote } from './remote-relations.ts';
import { MODES } from './schema-server.ts';
import { SERVER_MAPS } from './server-maps.ts';
import { splitWords } from './split-words.ts';

/** Rules between keys. They read the written nodes, so that they speak even when the schema found something too. */

export function checkRelations(
  file: string,
  schema: z.core.$ZodType,
  root: ConfigNode,
): readonly ConfigProblem[] {
  const entries = SERVER_MAPS.flatMap((map) => serverEntries(root, map));
  const found = [
    ...missingServers(root),
    ...idsInBothMaps(root),
    ...redisContinuations(root),
    ...aliasConflicts(root, [], unwrap(schema)),
    ...policiesOfNobody(root),
    ...checkPersistence(root),
    ...[...entries, ...inlineMembers(entries)].flatMap(checkServer),
    ...checkGroups(entries),
    ...checkFailover(entries),
  ];
  return found.map(({ node, path, message, fix }) => ({
    file,
    ...node.keyAt,
    path: formatPath(path),
    message,
    fix,
  }));
}

function missingServers(root: ConfigNode): readonly Finding[] {
  if (SERVER_MAPS.some((map) => childNode(root, map) !== undefined)) return [];
  const discovery = nodeAt(root, ['discovery', 'enabled']);
  if (discovery?.kind === 'scalar' && discovery.value === true) return [];
  return [
    {
      node: root,
      path: ['mcp_servers'],
      message: 'missing',
      fix: 'add "mcp_servers:" with one indented entry for each server, or set discovery.enabled: true',
    },
  ];
}

function idsInBothMaps(root: ConfigNode): readonly Finding[] {
  const first = childNode(root, 'mcp_servers');
  return serverEntries(root, 'providers').flatMap(({ id, node, path }): readonly Finding[] => {
    const twin = childNode(first, id);
    if (twin === undefined) return [];
    return [
      {
        node,
        path,
        message: `the id "${id}" is in both mcp_servers and providers`,
        fix: `keep one; the other is in line ${twin.keyAt.line}`,
      },
    ];
  });
}

function redisContinuations(root: ConfigNode): readonly Finding[] {
  const path = ['truncation', 'cache_driver'];
  const node = nodeAt(root, path);
  if (node?.kind !== 'scalar' || node.value !== 'redis') return [];
  const message = 'this build cannot keep results in Redis';
  return [{ node, path, message, fix: 'write "cache_driver: memory", or leave it out' }];
}

function aliasConflicts(node: ConfigNode, path: ConfigPath, accepts: Accepts): readonly Finding[] {
  if (node.kind === 'scalar') return [];
  if (node.kind === 'list') {
    return node.items.flatMap((item, index) =>
      aliasConflicts(item, [...path, index], childAccepts(accepts, index)),
    );
  }
  const known = knownKeys(accepts);
  return [...node.entries].flatMap(([key, child]): readonly Finding[] => {
    const inner = aliasConflicts(child, [...path, key], childAccepts(accepts, key));
    const schema = known.get(key);
    const aliasOf = schema === undefined ? undefined : factsOf(schema).aliasOf;
    if (aliasOf === undefined || !node.entries.has(aliasOf)) return inner;
    const message = `"${key}" means the same as "${aliasOf}", which is given too`;
    return [{ node: child, path: [...path, key], message, fix: `keep "${aliasOf}"` }, ...inner];
  });
}

function serverEntries(root: ConfigNode, map: string): readonly ServerNode[] {
  const servers = childNode(root, map);
  if (servers?.kind !== 'map') return [];
  return [...servers.entries].map(([id, node]) => ({ id, node, path: [map, id] }));
}

function checkServer(entry: ServerNode): readonly Finding[] {
  if (entry.node.kind !== 'map') return [];
  return [
    ...modeNeeds(entry),
    ...commandLine(entry),
    ...replicas(entry),
    ...twoToolLists(entry),
    ...checkRemote(entry),
    ...burstAlone(entry),
    ...['tools', 'predefined_tools'].flatMap((key) => toolNamesTwice(entry, key)),
  ];
}

interface Need {
  readonly keys: readonly string[];
  readonly fix: string;
}

const NEEDS: Readonly<Record<string, Need>> = {
  subprocess: { keys: ['command'], fix: 'add "command: [program, argument]"' },
  container: { keys: ['image', 'build'], fix: 'add "image: NAME"' },
  docker: { keys: ['image', 'build'], fix: 'add "image: NAME"' },
  podman: { keys: ['image', 'build'], fix: 'add "image: NAME"' },
  remote: { keys: ['endpoint', 'url'], fix: 'add "endpoint: https://…"' },
  group: { keys: ['members'], fix: 'add "members:" with a list of ids' },
};

function modeNeeds({ node, path }: ServerNode): readonly Finding[] {
  const has = (key: string): boolean => isGiven(childNode(node, key));
  const mode = childNode(node, 'mode');
  if (!isGiven(mode)) {
    if (has('command') && !has('image')) return [];
    const meant = Object.entries(NEEDS).find(([, need]) => need.keys.some(has))?.[0];
    const guess = has('image') ? 'container' : meant;
    if (guess !== undefined) {
      return [{ node, path: [...path, 'mode'], message: 'missing', fix: `add "mode: ${guess}"` }];
    }
    const fix = NEEDS['subprocess']?.fix ?? '';
    return [{ node, path: [...path, 'command'], message: 'missing', fix }];
  }
  const canonical = mode?.kind === 'scalar' ? canonicalMode(mode.value) : undefined;
  const need = canonical === undefined ? undefined : NEEDS[canonical];
  if (need === undefined || need.keys.some(has)) return [];
  const message = `missing, and mode "${canonical}" needs it`;
  return [{ node, path: [...path, need.keys[0] ?? ''], message, fix: need.fix }];
}

/** The mode that a spelling stands for. */
function canonicalMode(value: unknown): string | undefined {
  return Object.entries(MODES).find(([spelling]) => spelling === value)?.[1];
}

function commandLine({ node, path }: ServerNode): readonly Finding[] {
  const command = childNode(node, 'command');
  if (command?.kind !== 'scalar' || typeof command.value !== 'string') return [];
  if (command.value === '') return [];
  const words = splitWords(command.value);
  if (words.ok) return [];
  // Not quoted: a command line often carries a token.
  const message = `the command line ${words.error}`;
  const fix = 'close it, or write a list: [program, argument]';
  return [{ node: command, path: [...path, 'command'], message, fix }];
}

/** A pool of children that all clients share. */
function replicas({ node, path }: ServerNode): readonly Finding[] {
  const wanted = childNode(node, 'replicas');
  if (wanted?.kind !== 'scalar' || !(Number(wanted.value) > 1)) return [];
  const at = { node: wanted, path: [...path, 'replicas'] };
  const sharing = childNode(node, 'sharing');
  if (sharing?.kind === 'scalar' && sharing.value === 'session') {
    const message = 'with "sharing: session" each session has a child of its own already';
    return [{ ...at, message, fix: 'remove "replicas", or "sharing: session"' }];
  }
  const mode = childNode(node, 'mode');
  const canonical = mode?.kind === 'scalar' ? canonicalMode(mode.value) : 'subprocess';
  if (canonical !== 'remote') return [];
  const message = 'a remote server is one; only what the gateway starts can be several';
  return [{ ...at, message, fix: 'remove "replicas", or make a group of several endpoints' }];
}

function twoToolLists({ node, path }: ServerNode): readonly Finding[] {
  const tools = childNode(node, 'tools');
  if (tools?.kind !== 'list' || !isGiven(childNode(node, 'predefined_tools'))) return [];
  const message = 'a list here means the same as "predefined_tools", which is given too';
  return [{ node: tools, path: [...path, 'tools'], message, fix: 'keep "predefined_tools"' }];
}

function toolNamesTwice({ node, path }: ServerNode, key: string): readonly Finding[] {
  const tools = childNode(node, key);
  if (tools?.kind !== 'list') return [];
  const seen = new Map<string, number>();
  return tools.items.flatMap((tool, index): readonly Finding[] => {
    const name = childNode(tool, 'name');
    if (name?.kind !== 'scalar' || typeof name.value !== 'string') return [];
    const line = seen.get(name.value);
    if (line === undefined) {
      seen.set(name.value, name.at.line);
      return [];
    }
    const message = `the tool "${name.written}" is given twice`;
    const at = [...path, key, index, 'name'];
    return [{ node: name, path: at, message, fix: `keep one; the first is in line ${line}` }];
  });
}
