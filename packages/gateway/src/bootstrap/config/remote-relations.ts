import { childNode, type ConfigNode, isGiven } from './config-node.ts';
import type { Finding, ServerNode } from './finding.ts';
import type { ConfigPath } from './problem.ts';

/** Rules between the keys of a remote server. */

/** What each kind of credential needs, by its spellings; the first is the one that is told. */
const NEEDS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  bearer: [['bearer_token', 'token']],
  api_key: [['api_key', 'key']],
  basic: [['username'], ['password']],
};

/** Headers that the transport writes itself. */
const RESERVED =
  /^(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept|accept-encoding|last-event-id|mcp-.*)$/i;

/** Problems of one server's remote keys, written or not. */
export function checkRemote(entry: ServerNode): readonly Finding[] {
  return [
    ...['endpoint', 'url'].flatMap((key) => credentialsInUrl(entry, key)),
    ...credential(entry),
    ...reservedHeaders(entry),
  ];
}

function credentialsInUrl({ node, path }: ServerNode, key: string): readonly Finding[] {
  const url = childNode(node, key);
  const text = textOf(url);
  if (url === undefined || text === undefined || !/^https?:/.test(text)) return [];
  const at = [...path, key];
  if (!URL.canParse(text)) {
    // Not quoted: it may carry a credential.
    return [{ node: url, path: at, message: 'not a URL', fix: 'write https://HOST/PATH' }];
  }
  const { username, password } = new URL(text);
  if (username === '' && password === '') return [];
  const message = 'a URL with credentials is not accepted: URLs end up in logs';
  const fix = 'write them as auth: {type: basic, username: …, password: …}';
  return [{ node: url, path: at, message, fix }];
}

function credential({ node, path }: ServerNode): readonly Finding[] {
  const auth = childNode(node, 'auth');
  if (auth?.kind !== 'map') return [];
  const type = textOf(childNode(auth, 'type'));
  if (type === undefined || type === 'none') return unusedCredential(auth, [...path, 'auth']);
  return (NEEDS[type] ?? []).flatMap((keys): readonly Finding[] => {
    const given = keys.map((key) => childNode(auth, key)).find((child) => isGiven(child));
    const key = keys[0] ?? '';
    if (given === undefined) {
      const message = `missing, and auth.type "${type}" needs it`;
      const fix = `add "${key}: \${NAME}" and put it into the environment of the gateway`;
      return [{ node: auth, path: [...path, 'auth', key], message, fix }];
    }
    if (textOf(given) !== '') return [];
    const fix = 'set the variable that it is taken from, or write auth: {type: none}';
    return [{ node: given, path: [...path, 'auth', key], message: 'is empty', fix }];
  });
}

/** A credential that would silently not be shown. */
function unusedCredential(auth: ConfigNode, path: ConfigPath): readonly Finding[] {
  const meant = Object.entries(NEEDS).find(([, needs]) =>
    needs.some((keys) => keys.some((key) => isGiven(childNode(auth, key)))),
  )?.[0];
  if (meant === undefined) return [];
  const message = 'a credential is given, and no type that uses it';
  return [{ node: auth, path: [...path, 'type'], message, fix: `add "type: ${meant}"` }];
}

function reservedHeaders({ node, path }: ServerNode): readonly Finding[] {
  const headers = childNode(childNode(node, 'http'), 'headers');
  if (headers?.kind !== 'map') return [];
  return [...headers.entries].flatMap(([name, child]): readonly Finding[] => {
    if (!RESERVED.test(name)) return [];
    const at = [...path, 'http', 'headers', name];
    const message = `the header "${name}" is the transport's own`;
    return [{ node: child, path: at, message, fix: 'remove it' }];
  });
}

const textOf = (node: ConfigNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
