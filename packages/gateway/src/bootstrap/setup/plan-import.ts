/** What an import would write into our configuration and its file of secrets. */
import { basename, sep } from 'node:path';
import { findServers, type FoundEntry } from '../../application/setup/find-servers.ts';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { SetupReport } from '../../application/setup/setup-report.ts';
import { neededVariables, type ServerDraft, type ServerEntry } from '../../domain/setup/draft.ts';
import { unshownTexts, withoutSecrets } from '../../domain/setup/extract-secrets.ts';
import { gatherServers } from '../../domain/setup/gather-servers.ts';
import { SecretShelf } from '../../domain/setup/secret-names.ts';
import { loadGatewayConfig } from '../config/load-config.ts';

import { hasFolder } from './client-files.ts';
import type { ConfigFacts } from './config-facts.ts';

export type ReportedServer = SetupReport['servers'][number];

export interface ImportPlan {
  /** What was found, with what becomes of it, in the same order. */
  readonly found: readonly FoundEntry[];
  readonly servers: readonly ReportedServer[];
  /** New entries of the configuration. */
  readonly entries: Readonly<Record<string, ServerEntry>>;
  /** New lines of the file of secrets. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Variables that new servers need and nobody has set. */
  readonly missing: readonly string[];
  /** Everything that is a secret in what was found; never to be shown. */
  readonly hidden: readonly string[];
}

export interface ImportChoices {
  readonly keepsSecrets: boolean;
  /** Undefined: all. */
  readonly wants?: (entry: FoundEntry) => boolean;
}

export function planImport(
  files: readonly ClientFile[],
  config: ConfigFacts,
  home: string,
  choices: ImportChoices,
): ImportPlan {
  const ownUrls = [config.url];
  const found = findServers(files, { home, separator: sep, ownUrls, hasFolder });
  const { wants = () => true } = choices;
  const usable = found.flatMap((entry) =>
    entry.conversion.kind === 'server' && wants(entry)
      ? [{ entry, draft: entry.conversion.draft }]
      : [],
  );
  const stored = config.envFile.variables;
  const shelf = new SecretShelf(stored, process.env);
  const gathered = gatherServers(
    usable.map(({ entry: { at }, draft }) => ({
      client: at.file.client.id,
      name: at.name,
      draft,
    })),
    { existing: config.entries, stored, names: choices.keepsSecrets ? undefined : shelf },
  );
  const byEntry = new Map(usable.map(({ entry }, index) => [entry, gathered[index]]));
  const entries: Record<string, ServerEntry> = {};
  const bad = new Map<string, string>();
  for (const item of gathered) {
    if (item.kind !== 'new') continue;
    const problem = problemOf(item.id, item.entry, {
      ...stored,
      ...Object.fromEntries(shelf.added),
    });
    if (problem === undefined) entries[item.id] = item.entry;
    else bad.set(item.id, problem);
  }
  const isUnset = (name: string): boolean =>
    (process.env[name] ?? '') === '' && (stored[name] ?? '') === '';
  const missing = new Set<string>();
  const servers = found.map((entry): ReportedServer => {
    const item = byEntry.get(entry);
    const reason = item === undefined ? undefined : bad.get(item.id);
    const report = reportOf(entry, item, reason);
    if (report.outcome !== 'imported' || entry.conversion.kind !== 'server') return report;
    const unset = neededVariables(entry.conversion.draft).filter(isUnset);
    for (const name of unset) missing.add(name);
    const notes = unset.map(
      (name) => `${name} is not set: set it in ${basename(config.secretsPath)}`,
    );
    return { ...report, notes: [...report.notes, ...notes] };
  });
  const used = JSON.stringify(entries);
  const secrets = new Map([...shelf.added].filter(([name]) => used.includes(`\${${name}}`)));
  const hidden = secretsOf(usable.map(({ draft }) => draft));
  return { found, servers, entries, secrets, missing: [...missing], hidden };
}

/** Why the gateway would refuse an entry where none of its variables is set. */
function problemOf(
  id: string,
  entry: ServerEntry,
  secrets: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const text = JSON.stringify({ mcp_servers: { [id]: entry } });
  const loaded = loadGatewayConfig({ text, env: secrets });
  if (loaded.ok) return undefined;
  const [problem] = loaded.error;
  return `${problem?.path.replace(`mcp_servers.${id}.`, '')}: ${problem?.message}`;
}

function reportOf(
  { at, conversion }: FoundEntry,
  item: { readonly kind: 'new' | 'same'; readonly id: string } | undefined,
  problem: string | undefined,
): ReportedServer {
  const common = {
    client: at.file.client.id,
    file: at.file.path,
    name: at.name,
    id: null,
    reason: null,
    notes: [],
  };
  switch (conversion.kind) {
    case 'gateway':
      return { ...common, outcome: 'gateway' };
    case 'refused':
      return { ...common, outcome: 'skipped', reason: conversion.reason };
    case 'server':
      if (item === undefined) return { ...common, outcome: 'skipped', reason: 'not chosen' };
      if (problem !== undefined) return { ...common, outcome: 'skipped', reason: problem };
      return {
        ...common,
        outcome: item.kind === 'new' ? 'imported' : 'already_there',
        id: item.id,
        notes: [...conversion.notes],
      };
  }
}

/** Also where they stay in their place, they are not shown. */
function secretsOf(drafts: readonly ServerDraft[]): readonly string[] {
  const shelf = new SecretShelf({}, {});
  for (const [index, draft] of drafts.entries()) withoutSecrets(`s${index}`, draft, shelf);
  const all = [...shelf.added.values(), ...drafts.flatMap((draft) => unshownTexts(draft))];
  // The longest first: one may be a part of another.
  return [...new Set(all)].toSorted((left, right) => right.length - left.length);
}
