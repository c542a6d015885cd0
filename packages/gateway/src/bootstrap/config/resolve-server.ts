import { createHash } from 'node:crypto';
import { basename, join, resolve as resolvePath } from 'node:path';

import { Secret } from '@mcp-hangar/kernel/secret';

import {
  type InactiveLaunch,
  McpServerId,
  type McpServerSpec,
  type PredefinedTool,
  type RemoteLaunch,
  type StdioLaunch,
} from '../../domain/mcp-server/spec.ts';
import { remoteDigest, remoteSecrets, resolveRemote, revealed } from './resolve-remote.ts';
import { breakerPolicy } from './schema-breaker.ts';
import { failoverPair } from './schema-failover.ts';
import { MODES, type OneServerEntry, type ServerEntry } from './schema-server.ts';
import { splitWords } from './split-words.ts';

/** What relative paths of a configuration are relative to. */
export interface LaunchBase {
  /** Directory of the file; undefined without one. */
  readonly directory: string | undefined;
  /** Of the user, for `~`. */
  readonly home: string;
}

export interface ServerBase extends LaunchBase {
  /** What the file took from the environment. */
  readonly secrets: readonly Secret[];
  /** Of servers that do not say how often they are asked whether they are alive. */
  readonly healthIntervalS: number;
}

export function resolveServer(id: string, entry: OneServerEntry, base: ServerBase): McpServerSpec {
  const launch = resolveLaunch(entry, base);
  return {
    id: McpServerId.parse(id),
    description: entry.description,
    enabled: entry.enabled,
    autoStart: entry.auto_start ?? false,
    launch,
    era: entry.era === 'auto' ? undefined : entry.era,
    digest: digestOf(launch),
    secrets: [...secretsOf(launch), ...base.secrets],
    sharing: entry.sharing,
    idleTtlMs: entry.idle_ttl_s * 1000,
    startupTimeoutMs: Math.round((entry.startup_timeout_s ?? standardStartup(launch)) * 1000),
    callTimeoutMs: Math.round(entry.call_timeout_s * 1000),
    failuresMax: entry.max_consecutive_failures,
    breaker: breakerPolicy(entry.circuit_breaker),
    failover: failoverPair(entry),
    healthIntervalMs: Math.round((entry.health_check_interval_s ?? base.healthIntervalS) * 1000),
    replicas: entry.replicas,
    leasedChildrenMax: entry.leased_children_max,
    sessionChildrenMax: entry.session_children_max,
    predefinedTools: predefinedTools(entry),
    hiddenTools: hiddenTools(entry),
  };
}

type Launch = StdioLaunch | RemoteLaunch | InactiveLaunch;

function secretsOf(launch: Launch): readonly Secret[] {
  if (launch.kind === 'stdio') return Object.values(launch.env);
  return launch.kind === 'remote' ? remoteSecrets(launch) : [];
}

function resolveLaunch(entry: OneServerEntry, base: LaunchBase): Launch {
  const mode = MODES[entry.mode ?? 'subprocess'];
  if (mode === 'remote') return resolveRemote(entry, (path) => filePath(path, base));
  if (mode !== 'subprocess') {
    return { kind: 'inactive', mode, reason: `mode \`${mode}\` is not active in this build` };
  }
  const [program = '', ...rest] = commandWords(entry.command);
  return {
    kind: 'stdio',
    command: programPath(program, base),
    args: [...rest, ...entry.args],
    env: Object.fromEntries(
      Object.entries(entry.env).map(([name, value]) => [name, new Secret(value)]),
    ),
    cwd: workingDirectory(entry.cwd, base),
  };
}

function commandWords(command: ServerEntry['command']): readonly string[] {
  if (typeof command !== 'string') return command ?? [];
  const words = splitWords(command);
  return words.ok ? words.value : [];
}

/** A bare name is looked up on the PATH at start; only `~`, `./` and `../` say that a file is meant. */
function programPath(program: string, base: LaunchBase): string {
  const expanded = expandHome(program, base);
  return /^\.{1,2}[\\/]/.test(expanded) ? fromDirectory(expanded, base) : expanded;
}

function workingDirectory(cwd: string | undefined, base: LaunchBase): string | undefined {
  return cwd === undefined ? base.directory : filePath(cwd, base);
}

const filePath = (path: string, base: LaunchBase): string =>
  fromDirectory(expandHome(path, base), base);

function fromDirectory(path: string, base: LaunchBase): string {
  return base.directory === undefined ? resolvePath(path) : resolvePath(base.directory, path);
}

function expandHome(path: string, base: LaunchBase): string {
  if (path === '~') return base.home;
  return /^~[\\/]/.test(path) ? join(base.home, path.slice(2)) : path;
}

/** The first start of a package runner downloads the package. */
function standardStartup(launch: Launch): number {
  if (launch.kind !== 'stdio') return 30;
  const program = basename(launch.command).replace(/\.(cmd|exe|bat)$/i, '');
  return program === 'npx' || program === 'uvx' ? 120 : 30;
}

/** SHA-256 over the launch in a fixed key order, the revealed environment sorted by name. */
function digestOf(launch: Launch): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(launch)))
    .digest('hex');
}

function canonical(launch: Launch): unknown {
  switch (launch.kind) {
    case 'inactive':
      return { kind: launch.kind, mode: launch.mode };
    case 'remote':
      return remoteDigest(launch);
    case 'stdio':
      return {
        args: launch.args,
        command: launch.command,
        cwd: launch.cwd ?? null,
        env: revealed(launch.env),
        kind: launch.kind,
      };
  }
}

/** Globs of tools that nobody is to see or call. */
export const hiddenTools = ({ tools }: Pick<OneServerEntry, 'tools'>): readonly string[] =>
  Array.isArray(tools) ? [] : (tools?.hide ?? []);

export function predefinedTools(
  entry: Pick<OneServerEntry, 'tools' | 'predefined_tools'>,
): readonly PredefinedTool[] | undefined {
  const list = entry.predefined_tools ?? (Array.isArray(entry.tools) ? entry.tools : undefined);
  return list?.map(({ input_schema, output_schema, inputSchema, outputSchema, ...tool }) => {
    const output = outputSchema ?? output_schema;
    return {
      ...tool,
      // MCP requires an input schema; the product documents leave it out.
      inputSchema: inputSchema ?? input_schema ?? { type: 'object' },
      ...(output === undefined ? {} : { outputSchema: output }),
    };
  });
}
