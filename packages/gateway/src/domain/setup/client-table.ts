/**
 * The AI clients that we read from and write to: one entry says all that is known of a client. Checked in November 2026
 * against the documents of each.
 */

/** What the places of files depend on. Folders are absolute; `/` separates on every platform. */
export interface Places {
  readonly platform: string;
  readonly home: string;
  /** XDG_CONFIG_HOME, or `.config` in the home. */
  readonly configHome: string;
  /** Windows: APPDATA and LOCALAPPDATA. */
  readonly appData: string;
  readonly localAppData: string;
  /** CODEX_HOME and CLAUDE_CONFIG_DIR where they are set. */
  readonly codexHome: string | undefined;
  readonly claudeHome: string | undefined;
}

/** How a client writes variables: not at all, as `${…}`, or also as `$NAME`. */
export type Variables = 'none' | 'braces' | 'dollar';

export interface GatewayCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>> | undefined;
}

type Entry = Readonly<Record<string, unknown>>;

export interface ClientSpec {
  readonly id: string;
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** Where its servers are in its files. */
  readonly serversKey: string;
  /** Whether the user file also has servers for single folders, in `projects`. */
  readonly hasProjects?: true;
  readonly variables: Variables;
  /** What `url` without a `type` means. */
  readonly bareUrl?: 'sse';
  /** The file of the user: the first that exists, else the first. */
  readonly userFiles: (places: Places) => readonly string[];
  /** Below a project's folder. */
  readonly projectFile?: string;
  /** One of these exists where the client is installed, beside its file. */
  readonly traces: (places: Places) => readonly string[];
  /** Programs on the PATH that show the same. */
  readonly programs: readonly string[];
  /** It is not started from a shell, so it has the PATH of the desktop. */
  readonly isDesktopApp: boolean;
  readonly stdioEntry: (gateway: GatewayCommand) => Entry;
  /** Undefined where its file takes programs only. */
  readonly httpEntry: ((url: string) => Entry) | undefined;
}

const plain = ({ command, args, env }: GatewayCommand): Entry => ({
  command,
  args,
  ...(env === undefined ? {} : { env }),
});

/** Where desktop programs keep their settings. */
function applicationFolder({ platform, home, configHome, appData }: Places): string {
  if (platform === 'win32') return appData;
  return platform === 'darwin' ? `${home}/Library/Application Support` : configHome;
}

/** Of the installation from the Microsoft Store. */
const CLAUDE_PACKAGE = 'Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude';

const zedFolder = ({ platform, home, configHome, appData }: Places): string => {
  if (platform === 'win32') return `${appData}/Zed`;
  return platform === 'darwin' ? `${home}/.config/zed` : `${configHome}/zed`;
};

export const CLIENTS: readonly ClientSpec[] = [
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    format: 'json',
    serversKey: 'mcpServers',
    variables: 'none',
    userFiles: (places) => [
      `${applicationFolder(places)}/Claude/claude_desktop_config.json`,
      ...(places.platform === 'win32'
        ? [`${places.localAppData}/${CLAUDE_PACKAGE}/claude_desktop_config.json`]
        : []),
    ],
    traces: (places) => [`${applicationFolder(places)}/Claude`],
    programs: ['claude-desktop'],
    isDesktopApp: true,
    stdioEntry: plain,
    httpEntry: undefined,
  },
  {
    id: 'claude-code',
    title: 'Claude Code',
    format: 'json',
    serversKey: 'mcpServers',
    hasProjects: true,
    variables: 'braces',
    userFiles: ({ home, claudeHome }) => [`${claudeHome ?? home}/.claude.json`],
    projectFile: '.mcp.json',
    traces: ({ home, claudeHome }) => [claudeHome ?? `${home}/.claude`],
    programs: ['claude'],
    isDesktopApp: false,
    stdioEntry: (gateway) => ({ type: 'stdio', ...plain(gateway) }),
    httpEntry: (url) => ({ type: 'http', url }),
  },
  {
    id: 'cursor',
    title: 'Cursor',
    format: 'json',
    serversKey: 'mcpServers',
    variables: 'braces',
    userFiles: ({ home }) => [`${home}/.cursor/mcp.json`],
    projectFile: '.cursor/mcp.json',
    traces: ({ home }) => [`${home}/.cursor`],
    programs: ['cursor', 'cursor-agent'],
    isDesktopApp: true,
    stdioEntry: plain,
    httpEntry: (url) => ({ url }),
  },
  {
    id: 'vscode',
    title: 'VS Code',
    format: 'json',
    serversKey: 'servers',
    variables: 'braces',
    userFiles: (places) => [`${applicationFolder(places)}/Code/User/mcp.json`],
    projectFile: '.vscode/mcp.json',
    traces: (places) => [`${applicationFolder(places)}/Code/User`],
    programs: ['code'],
    isDesktopApp: true,
    stdioEntry: (gateway) => ({ type: 'stdio', ...plain(gateway) }),
    httpEntry: (url) => ({ type: 'http', url }),
  },
  {
    id: 'windsurf',
    title: 'Windsurf',
    format: 'json',
    serversKey: 'mcpServers',
    variables: 'braces',
    userFiles: ({ home }) => [`${home}/.codeium/windsurf/mcp_config.json`],
    traces: ({ home }) => [`${home}/.codeium/windsurf`],
    programs: ['windsurf'],
    isDesktopApp: true,
    stdioEntry: plain,
    httpEntry: (url) => ({ serverUrl: url }),
  },
  {
    id: 'zed',
    title: 'Zed',
    format: 'json',
    serversKey: 'context_servers',
    variables: 'none',
    userFiles: (places) => [`${zedFolder(places)}/settings.json`],
    projectFile: '.zed/settings.json',
    traces: (places) => [zedFolder(places)],
    programs: ['zed', 'zeditor'],
    isDesktopApp: true,
    // Releases before 2026 need `source`; later ones do not mind it.
    stdioEntry: (gateway) => ({ source: 'custom', ...plain(gateway) }),
    httpEntry: (url) => ({ url }),
  },
  {
    id: 'codex',
    title: 'Codex',
    format: 'toml',
    serversKey: 'mcp_servers',
    variables: 'none',
    userFiles: ({ home, codexHome }) => [`${codexHome ?? `${home}/.codex`}/config.toml`],
    projectFile: '.codex/config.toml',
    traces: ({ home, codexHome }) => [codexHome ?? `${home}/.codex`],
    programs: ['codex'],
    isDesktopApp: false,
    stdioEntry: plain,
    httpEntry: (url) => ({ url }),
  },
  {
    id: 'gemini',
    title: 'Gemini CLI',
    format: 'json',
    serversKey: 'mcpServers',
    variables: 'dollar',
    bareUrl: 'sse',
    userFiles: ({ home }) => [`${home}/.gemini/settings.json`],
    projectFile: '.gemini/settings.json',
    traces: ({ home }) => [`${home}/.gemini`],
    programs: ['gemini'],
    isDesktopApp: false,
    stdioEntry: plain,
    httpEntry: (url) => ({ httpUrl: url }),
  },
];
