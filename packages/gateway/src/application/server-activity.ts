/** What a server does at the moment, and what comes next, as far as the gateway knows. */
import { redactor } from '../domain/mcp-server/redactor.ts';
import type { McpServerSpec } from '../domain/mcp-server/spec.ts';
import { isSecretName } from '../domain/secret-signs.ts';
import type { McpServer } from './servers/mcp-server.ts';

export interface ChildFacts {
  /** Undefined where it is a connection. */
  readonly pid: number | undefined;
  readonly startedAtMs: number;
  readonly lastUsedAtMs: number;
  readonly inFlight: number;
}

export type NextTransition =
  /** Its last child is stopped, unless somebody uses it. */
  | { readonly kind: 'idle_stop'; readonly atMs: number }
  /** The next call tries again from then on; `atMs` may be over. */
  | { readonly kind: 'retry'; readonly atMs: number; readonly attempt: number };

export interface ServerActivity {
  readonly stateSinceMs: number;
  readonly inFlight: number;
  readonly children: readonly ChildFacts[];
  /** Without its suggestion. */
  readonly lastFailure: string | undefined;
  readonly suggestion: string | undefined;
  readonly next: NextTransition | undefined;
}

export function activityOf(server: McpServer, nowMs: number): ServerActivity {
  const { running, course } = server;
  const { phaseSinceMs, suggestion } = course;
  const children = running.map((child) => ({
    pid: child.connection.pid,
    startedAtMs: child.startedAtMs,
    lastUsedAtMs: child.lastUsedAtMs,
    inFlight: child.inFlight,
  }));
  return {
    stateSinceMs: phaseSinceMs,
    inFlight: children.reduce((sum, { inFlight }) => sum + inFlight, 0),
    children,
    lastFailure: withoutSuggestion(server.lastFailure, suggestion),
    suggestion,
    next: nextOf(server, nowMs),
  };
}

/** A message of a failed start ends with what to do about it. */
function withoutSuggestion(
  failure: string | undefined,
  suggestion: string | undefined,
): string | undefined {
  const end = `; ${suggestion}`;
  return failure?.endsWith(end) === true ? failure.slice(0, -end.length) : failure;
}

function nextOf(server: McpServer, nowMs: number): NextTransition | undefined {
  const { phase, spec, running, health, retryInMs } = server;
  if (spec.launch.kind === 'inactive') return undefined;
  if (phase === 'dead' || phase === 'degraded')
    return { kind: 'retry', atMs: nowMs + retryInMs, attempt: health.consecutiveFailures };
  if (spec.idleTtlMs === 0 || running.length === 0 || running.some((child) => child.isHeld))
    return undefined;
  const lastUsedAtMs = Math.max(...running.map((child) => child.lastUsedAtMs));
  return { kind: 'idle_stop', atMs: lastUsedAtMs + spec.idleTtlMs };
}

/** How a server is reached, in a word: `stdio`, `http`, or its mode where this build cannot. */
export function transportOf({ launch }: McpServerSpec): string {
  switch (launch.kind) {
    case 'stdio':
      return 'stdio';
    case 'remote':
      return 'http';
    case 'inactive':
      return launch.mode;
  }
}

/** The command line or the address of a server, without what is or looks like a secret. */
export function targetOf({ launch, secrets }: McpServerSpec): string | undefined {
  switch (launch.kind) {
    case 'inactive':
      return undefined;
    case 'remote':
      return redactor(secrets)(launch.url.split(/[?#]/, 1)[0] ?? '');
    case 'stdio':
      return redactor(secrets)([launch.command, ...masked(launch.args)].join(' '));
  }
}

const OPTION = /^(--?[\w-]+)(=.*)?$/s;
const CREDENTIALS_IN_URL = /(\w:\/\/)[^/@\s]+@/g;

/** An option whose value nobody else is to read. */
const secretOption = (arg: string): RegExpExecArray | undefined => {
  const option = OPTION.exec(arg) ?? undefined;
  return isSecretName(option?.[1] ?? '') ? option : undefined;
};

const masked = (args: readonly string[]): readonly string[] =>
  args.map((arg, index) => {
    const [, name, value] = secretOption(arg) ?? [];
    if (value !== undefined) return `${name}=[secret]`;
    const before = secretOption(args[index - 1] ?? '');
    const isValue = before !== undefined && before[2] === undefined && !arg.startsWith('-');
    return isValue ? '[secret]' : arg.replaceAll(CREDENTIALS_IN_URL, '$1[secret]@');
  });
