import { Secret } from '@mcp-hangar/kernel/secret';

import type { RemoteAuth, RemoteLaunch } from '../../domain/mcp-server/spec.ts';
import type { ServerEntry } from './schema-server.ts';

const CONNECT_S = 10;
const READ_S = 30;
const RETRIES = 3;
const BACKOFF_S = 0.5;

/** @param filePath makes a path of the configuration absolute */
export function resolveRemote(
  entry: ServerEntry,
  filePath: (path: string) => string,
): RemoteLaunch {
  const { http, tls } = entry;
  const caPath = tls?.ca_cert_path;
  return {
    kind: 'remote',
    url: new URL(entry.endpoint ?? entry.url ?? '').href,
    transport: entry.transport,
    auth: authOf(entry.auth),
    headers: Object.fromEntries(
      Object.entries(http?.headers ?? {}).map(([name, value]) => [name, new Secret(value)]),
    ),
    tls: {
      verify: tls?.verify_ssl ?? true,
      caPath: caPath === undefined ? undefined : filePath(caPath),
    },
    connectTimeoutMs: milliseconds(http?.connect_timeout ?? CONNECT_S),
    readTimeoutMs: milliseconds(http?.read_timeout ?? READ_S),
    connectRetries: http?.max_retries ?? RETRIES,
    retryBackoffMs: milliseconds(http?.retry_backoff_factor ?? BACKOFF_S),
    trusted: true,
  };
}

const milliseconds = (seconds: number): number => Math.round(seconds * 1000);

function authOf(auth: ServerEntry['auth']): RemoteAuth {
  switch (auth?.type) {
    case 'bearer':
      return { kind: 'bearer', token: new Secret(auth.bearer_token ?? auth.token ?? '') };
    case 'api_key': {
      const header = auth.api_key_header ?? auth.header ?? 'X-API-Key';
      return { kind: 'api-key', header, key: new Secret(auth.api_key ?? auth.key ?? '') };
    }
    case 'basic':
      return {
        kind: 'basic',
        username: auth.username ?? '',
        password: new Secret(auth.password ?? ''),
      };
    case 'none':
    case undefined:
      return { kind: 'none' };
  }
}

/** Everything of a launch that no log or error may show. */
export function remoteSecrets({ auth, headers, url }: RemoteLaunch): readonly Secret[] {
  const { search, searchParams } = new URL(url);
  // As they are meant, and as they stand in the URL.
  const written = search.split(/[?&]/).map((pair) => pair.slice(pair.indexOf('=') + 1));
  const parameters = [...searchParams.values(), ...written].map((value) => new Secret(value));
  return [...Object.values(headers), ...parameters, ...credentials(auth)];
}

function credentials(auth: RemoteAuth): readonly Secret[] {
  switch (auth.kind) {
    case 'none':
      return [];
    case 'bearer':
      return [auth.token];
    case 'api-key':
      return [auth.key];
    case 'basic': {
      const joined = Buffer.from(`${auth.username}:${auth.password.reveal()}`).toString('base64');
      return [auth.password, new Secret(joined)];
    }
  }
}

/** What of a launch decides with whom is spoken, as what and how, in a fixed order; only to be hashed. */
export function remoteDigest(launch: RemoteLaunch): unknown {
  const { auth, headers, kind, tls, transport, url } = launch;
  const shown = 'header' in auth ? auth.header : 'username' in auth ? auth.username : '';
  return {
    auth: [auth.kind, shown, ...credentials(auth).map((secret) => secret.reveal())],
    headers: revealed(headers),
    kind,
    tls: [tls.verify, tls.caPath ?? null],
    transport,
    url,
  };
}

/** Names and values sorted by name. */
export const revealed = (
  secrets: Readonly<Record<string, Secret>>,
): readonly (readonly [string, string])[] =>
  Object.entries(secrets)
    .map(([name, secret]) => [name, secret.reveal()] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
