/** Servers for somebody who has none yet. */
import type { ServerEntry } from './draft.ts';

export const BUNDLES = ['starter', 'developer', 'none'] as const;
export type BundleName = (typeof BUNDLES)[number];

export interface BundleFacts {
  readonly has: (runtime: 'npx' | 'uvx') => boolean;
  /** The one folder that the file server may read and write; undefined where there is none to give. */
  readonly folder: string | undefined;
}

interface Offer {
  readonly id: string;
  readonly needs: 'npx' | 'uvx';
  readonly bundles: readonly BundleName[];
  readonly entry: (folder: string) => ServerEntry;
}

const npx = (description: string, ...args: readonly string[]): ServerEntry => ({
  description,
  command: 'npx',
  args: ['-y', ...args],
});
const uvx = (description: string, ...args: readonly string[]): ServerEntry => ({
  description,
  command: 'uvx',
  args,
});

const OFFERS: readonly Offer[] = [
  {
    id: 'filesystem',
    needs: 'npx',
    bundles: ['starter', 'developer'],
    entry: (folder) =>
      npx('Files of one folder', '@modelcontextprotocol/server-filesystem', folder),
  },
  {
    id: 'fetch',
    needs: 'uvx',
    bundles: ['starter', 'developer'],
    entry: () => uvx('Web pages as text', 'mcp-server-fetch'),
  },
  {
    id: 'memory',
    needs: 'npx',
    bundles: ['starter', 'developer'],
    entry: () => npx('A notebook that outlives the talk', '@modelcontextprotocol/server-memory'),
  },
  {
    id: 'git',
    needs: 'uvx',
    bundles: ['developer'],
    entry: () => uvx('Git repositories', 'mcp-server-git'),
  },
];

export interface Bundle {
  readonly servers: Readonly<Record<string, ServerEntry>>;
  /** What is left out, and why. */
  readonly notes: readonly string[];
}

export function bundleOf(name: BundleName, { has, folder }: BundleFacts): Bundle {
  const servers: Record<string, ServerEntry> = {};
  const notes: string[] = [];
  for (const { id, needs, bundles, entry } of OFFERS) {
    if (!bundles.includes(name)) continue;
    if (!has(needs)) notes.push(`${id} is left out: it needs ${needs}, which is not on the PATH`);
    else if (id === 'filesystem' && folder === undefined)
      notes.push('filesystem is left out: there is no folder to give it');
    else servers[id] = entry(folder ?? '');
  }
  return { servers, notes };
}
