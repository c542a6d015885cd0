/** Whether an entry of a client is this gateway: it must never become a server of itself. */

const OWN = /^mcp[-_]hangar(?:@[\w.-]+)?(?:\.(?:mjs|js|cmd|exe|ps1))?$/i;
/** A script of it, wherever it stands: nothing else is called so. */
const OWN_SCRIPT = /^mcp[-_]hangar\.(?:mjs|js|cmd|exe|ps1)$/i;
const OWN_IMAGE = /^(?:[\w.-]+(?::\d+)?\/)*mcp[-_]hangar(?::[\w.-]+)?(?:@sha256:\w+)?$/i;
const CONTAINERS = /^(?:docker|podman|nerdctl)(?:\.exe)?$/i;
/** They start the program that their arguments name. */
const STARTERS =
  /^(?:nice|timeout|stdbuf|setsid|nohup|node|nodejs|bun|bunx|deno|npx|npm|pnpm|yarn|uvx|uv|pipx|python\d?(?:\.\d+)?|py|cmd|sh|bash|zsh|env|docker|podman|sudo)(?:\.exe|\.cmd)?$/i;
/** Words between a starter and the program. */
const BETWEEN = /^(?:-.*|\d+[smhd]?|\/[a-z]|run|exec|dlx|tool|x|start)$/i;

const baseName = (path: string): string => path.replace(/^.*[\\/]/, '');

/** @param urls of this gateway, without the path of a single server */
export function isOwnEntry(
  words: readonly string[],
  url: string | undefined,
  urls: readonly string[],
): boolean {
  if (url !== undefined) return isOwnUrl(url, urls);
  const [first = ''] = words;
  if (STARTERS.test(baseName(first)) && words.some((word) => OWN_SCRIPT.test(baseName(word))))
    return true;
  // Among the options of a container stands much that is called like us.
  const isContainer = CONTAINERS.test(baseName(first));
  if (isContainer && isOwnImage(words)) return true;
  let index = isContainer ? words.length : 0;
  for (; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (OWN.test(baseName(word)) || word.split(/\s+/).some((part) => OWN.test(baseName(part))))
      return true;
    const isStarter = STARTERS.test(baseName(word));
    if (!isStarter && (index === 0 || !(BETWEEN.test(word) || word.includes('=')))) break;
  }
  // `npx mcp-remote URL` and the like.
  return words
    .slice(isContainer ? 0 : index)
    .some((word) => /^https?:/.test(word) && isOwnUrl(word, urls));
}

/** Not the name of a container. */
const isOwnImage = (words: readonly string[]): boolean =>
  words.some((word, index) => OWN_IMAGE.test(word) && words[index - 1] !== '--name');

function isOwnUrl(url: string, urls: readonly string[]): boolean {
  const [, scheme = '', host = '', rest = ''] = ADDRESS.exec(url) ?? [];
  const plain = `${scheme.toLowerCase()}://${LOOPBACK.test(host) ? '127.0.0.1' : host}${rest}`;
  return urls.some((own) => plain === own || plain.startsWith(`${own}/`));
}

/** Without a user, a query and a fragment. */
const ADDRESS = /^(https?):\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/:?#]*)([^?#]*)/i;
/** `0.0.0.0` leads there too. */
const LOOPBACK =
  /^(?:localhost\.?|127(?:\.\d+){1,3}|0(?:\.0){0,3}|\[::(?:1|ffff:127\.0\.0\.1)?\])$/i;
