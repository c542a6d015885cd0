/** The names under which the tools and prompts of many servers stand side by side: `SERVER__NAME`. */

/** Longest name that every known client and model API accepts. Characters. */
export const PUBLIC_NAME_MAX = 64;
const SEPARATOR = '__';

/** A shortened name ends with so many digits of a hash. */
export const SHORTENED_HASH_CHARS = 8;
const SERVER_CHARS_MAX = 24;

/**
 * `SERVER__NAME`, or for longer ones a readable beginning and the hash of the full name. It depends on nothing
 * but its arguments, so a name stays the same when other servers come and go.
 *
 * @param hash hexadecimal digest of a text, at least 8 characters
 */
export function publicName(server: string, name: string, hash: (text: string) => string): string {
  const full = `${server}${SEPARATOR}${name}`;
  if (full.length <= PUBLIC_NAME_MAX) return full;
  const tail = `_${hash(full).slice(0, SHORTENED_HASH_CHARS)}`;
  const head = `${shortServer(server, hash)}${SEPARATOR}`;
  return `${head}${name.slice(0, PUBLIC_NAME_MAX - head.length - tail.length)}${tail}`;
}

/** Ids that begin alike stay apart: the cut is made up for by the hash of the whole id. */
function shortServer(server: string, hash: (text: string) => string): string {
  if (server.length <= SERVER_CHARS_MAX) return server;
  return `${server.slice(0, SERVER_CHARS_MAX - SHORTENED_HASH_CHARS - 1)}-${hash(server).slice(0, SHORTENED_HASH_CHARS)}`;
}

/** Whether a name may be a shortened one, whose second half only the catalogue knows. */
export const looksShortened = (name: string): boolean =>
  name.length === PUBLIC_NAME_MAX && /_[0-9a-f]{8}$/.test(name);

/** The two halves of a public name that was not shortened; undefined where there is no separator. */
export function splitPublicName(
  name: string,
): { readonly server: string; readonly name: string } | undefined {
  const at = name.indexOf(SEPARATOR);
  return at <= 0
    ? undefined
    : { server: name.slice(0, at), name: name.slice(at + SEPARATOR.length) };
}

const OWNED_URI = 'hangar://';

/** The form of a resource URI that names its server; accepted for every resource. */
export const ownedUri = (server: string, uri: string): string => `${OWNED_URI}${server}/${uri}`;

/** Server and original URI of an owned form, or undefined for any other URI. */
export function splitOwnedUri(
  uri: string,
): { readonly server: string; readonly uri: string } | undefined {
  if (!uri.startsWith(OWNED_URI)) return undefined;
  const slash = uri.indexOf('/', OWNED_URI.length);
  if (slash === -1) return undefined;
  return { server: uri.slice(OWNED_URI.length, slash), uri: uri.slice(slash + 1) };
}
