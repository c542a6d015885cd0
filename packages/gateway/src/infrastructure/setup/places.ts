/** Where the clients of this user keep their files. */
import { homedir } from 'node:os';
import { isAbsolute, join, normalize } from 'node:path';
import type { Places } from '../../domain/setup/client-table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** From HOME, XDG_CONFIG_HOME, APPDATA and the like; a relative one is to be ignored. */
export function placesOf(env: Environment, platform: string): Places {
  const folder = (name: string): string | undefined => {
    const value = env[name];
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const home = folder('HOME') ?? folder('USERPROFILE') ?? homedir();
  return {
    platform,
    home,
    configHome: folder('XDG_CONFIG_HOME') ?? join(home, '.config'),
    appData: folder('APPDATA') ?? join(home, 'AppData', 'Roaming'),
    localAppData: folder('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'),
    codexHome: folder('CODEX_HOME'),
    claudeHome: folder('CLAUDE_CONFIG_DIR'),
  };
}

/** With the separators of this system. */
export const nativePath = (path: string): string => normalize(path);
