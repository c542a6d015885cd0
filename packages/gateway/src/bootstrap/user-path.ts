import { delimiter } from 'node:path';

/** A Node that a clone has installed for itself. */
const OWN_NODE = /^(.*[\\/]node_modules)[\\/]node-[a-z0-9]+-[a-z0-9]+[\\/]bin[\\/]node(?:\.exe)?$/i;
/** npm puts it in front of every script. */
const NODE_GYP = /[\\/]node-gyp-bin$/;

/**
 * The PATH as its user has it, without what npm has put in front of it to find this program. There stands the Node that
 * only the gateway is to run with: a server's `npx` would read the settings of that one, not the user's.
 */
export function userPath(path: string | undefined, execPath: string): string | undefined {
  const modules = OWN_NODE.exec(execPath)?.[1];
  if (modules === undefined || path === undefined) return path;
  const isOurs = (folder: string): boolean =>
    NODE_GYP.test(folder) || folder === `${modules}/.bin` || folder === `${modules}\\.bin`;
  return path
    .split(delimiter)
    .filter((folder) => !isOurs(folder))
    .join(delimiter);
}
