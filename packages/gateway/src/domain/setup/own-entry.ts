/** Whether an entry of a client is this gateway: it must never become a server of itself. */

const OWN = /^mcp[-_]hangar(?:@[\w.-]+)?(?:\.(?:mjs|js|cmd|exe|ps1))?$/i;
/** They start the program that their arguments name. */
const STARTERS =
  /^(?:node|nodejs|bun|bunx|deno|npx|npm|pnpm|yarn|uvx|uv|pipx|python\d?(?:\.\d+)?|py|cmd|sh|bash|zsh|env|docker|podman|sudo)(?:\.exe|\.cmd)?$/i;
/** Words between a starter and the program. */
const BETWEEN = /^(?:-.*|\/[a-z]|run|exec|dlx|tool|x|start)$/i;

const baseName = (path: string): string => path.replace(/^.*[\\/]/, '');

/** @param urls of this gateway, without the path of a single server */
export function isOwnEntry(
  words: readonly string[],
  url: string | undefined,
  urls: readonly string[],
): boolean {
  if (url !== undefined) return isOwnUrl(url, urls);
  let index = 0;
  for (; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (OWN.test(baseName(word)) || word.split(/\s+/).some((part) => OWN.test(baseName(part))))
      return true;
    const isStarter = STARTERS.test(baseName(word));
    if (!isStarter && (index === 0 || !(BETWEEN.test(word) || word.includes('=')))) break;
  }
  // `npx mcp-remote URL` and the like.
  return words.slice(index).some((word) => /^https?:/.test(word) && isOwnUrl(word, urls));
}

const isOwnUrl = (url: string, urls: readonly string[]): boolean => {
  const plain = url.replace(/^(https?:\/\/)(?:localhost|\[::1\])(?=[:/]|$)/i, '$1127.0.0.1');
  return urls.some((own) => plain === own || plain.startsWith(`${own}/`));
};
