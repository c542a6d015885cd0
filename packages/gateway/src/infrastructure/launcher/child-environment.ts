import type { Secret } from '@mcp-hangar/kernel/secret';

/** What a program needs to find its home, its locale, its certificates; nothing that is a credential. */
const ALLOWED: ReadonlySet<string> = new Set([
  'HOME',
  'LOGNAME',
  'USER',
  'SHELL',
  'TERM',
  'PATH',
  'LANG',
  'TZ',
  'TMPDIR',
  'TMP',
  'TEMP',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
]);
const ALLOWED_PREFIXES = ['LC_', 'XDG_'];

/** Windows does not start most programs without these; names there are compared without case. */
const ALLOWED_ON_WINDOWS: ReadonlySet<string> = new Set([
  'APPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'NUMBER_OF_PROCESSORS',
  'OS',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'PROGRAMFILES(X86)',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'USERDOMAIN',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
]);

const isAllowed = (name: string, platform: NodeJS.Platform): boolean => {
  const key = platform === 'win32' ? name.toUpperCase() : name;
  if (ALLOWED.has(key) || ALLOWED_PREFIXES.some((prefix) => key.startsWith(prefix))) return true;
  return platform === 'win32' && ALLOWED_ON_WINDOWS.has(key);
};

/**
 * The whole environment of a child: the allow-listed part of the gateway's, the server's own `env`
 * on top, and `MCP_TRANSPORT=stdio` unless the server's `env` says otherwise. An allow-list, because
 * a list of names to hide can never know what the operator's shell happens to hold.
 */
export const childEnvironment = (
  parentEnv: Readonly<Record<string, string | undefined>>,
  specEnv: Readonly<Record<string, Secret>>,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> => {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(parentEnv)) {
    // bash exports functions as values that start with "()"; no allow-listed variable is one.
    if (value === undefined || value.startsWith('()') || !isAllowed(name, platform)) continue;
    result[name] = value;
  }
  result['MCP_TRANSPORT'] = 'stdio';
  for (const [name, value] of Object.entries(specEnv)) {
    if (platform === 'win32') dropOtherSpellings(result, name);
    result[name] = value.reveal();
  }
  return result;
};

/** Windows takes `Path` and `PATH` for one variable, and which of two wins is not defined. */
const dropOtherSpellings = (env: Record<string, string>, name: string): void => {
  for (const other of Object.keys(env)) {
    if (other.toUpperCase() === name.toUpperCase()) delete env[other];
  }
};
