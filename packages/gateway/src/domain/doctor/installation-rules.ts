/** From what was seen of an installation to what is to be said of it. */
import { finding, worstFirst, type Finding } from './finding.ts';
import { kilobytes } from './tool-rules.ts';

const DISK_BYTES_MIN = 268_435_456;
const PROBLEMS_MAX = 20;

export interface ConfigFacts {
  /** Undefined where there is no file. */
  readonly path: string | undefined;
  readonly chosenBy: string | undefined;
  /** Problems as one line each, with what to do. */
  readonly problems: readonly { readonly message: string; readonly fix: string }[];
  readonly notices: readonly string[];
  readonly othersMayWrite: boolean;
}

export interface StateFacts {
  /** Undefined where there is none. */
  readonly folder: string | undefined;
  /** Why it cannot be used. */
  readonly problem: string | undefined;
  readonly othersMayLook: boolean;
  readonly freeBytes: number | undefined;
}

/** Where events are kept. */
export type StoreFacts =
  | { readonly kind: 'none' | 'usable' }
  | { readonly kind: 'whole'; readonly events: number }
  | { readonly kind: 'damaged'; readonly path: string; readonly problems: readonly string[] }
  | { readonly kind: 'unchecked'; readonly path: string; readonly bytes: number }
  | {
      readonly kind: 'unreachable' | 'unusable';
      /** A file, or host, database and schema. */
      readonly name: string;
      readonly problem: string;
    }
  | {
      readonly kind: 'forbidden';
      readonly name: string;
      readonly problem: string;
      readonly fix: string;
    };

export type GatewayFacts =
  | { readonly kind: 'absent' | 'silent' | 'other-version' | 'other-configuration' | 'stopping' }
  | { readonly kind: 'running'; readonly pid: number };

export interface PortFacts {
  readonly port: number;
  /** Undefined where it is free, or the gateway of this configuration has it. */
  readonly heldBy: string | undefined;
}

export interface InstallationFacts {
  readonly config: ConfigFacts;
  readonly state: StateFacts;
  readonly store: StoreFacts;
  readonly gateway: GatewayFacts;
  /** Undefined where the configuration does not say which. */
  readonly port: PortFacts | undefined;
  readonly nodeVersion: string;
  /** Whether the launcher keeps compiled code. */
  readonly keepsCompiledCode: boolean;
}

/** Everything that is to be said of an installation, the worst first. */
export const judgeInstallation = (facts: InstallationFacts): readonly Finding[] =>
  worstFirst([
    ...judgeConfig(facts.config),
    ...judgeState(facts.state),
    ...judgeStore(facts.store),
    ...judgeGateway(facts.gateway),
    ...judgePort(facts.port),
    ...(facts.keepsCompiledCode ? [] : [COMPILE_CACHE]),
  ]);

const COMPILE_CACHE = finding(
  'compile_cache_off',
  'compiled code is not kept: its folder (~/.cache/mcp-hangar/compile-cache) cannot be made, or others can write into it',
  'make it a folder of your own with mode 700',
);

function judgeConfig(config: ConfigFacts): readonly Finding[] {
  const { path, problems, notices, othersMayWrite } = config;
  if (path === undefined && problems.length === 0) {
    const fix = 'mcp-hangar init makes one; --config names another';
    return [finding('config_missing', 'there is no configuration file', fix)];
  }
  const more = problems.length - PROBLEMS_MAX;
  return [
    ...problems
      .slice(0, PROBLEMS_MAX)
      .map(({ message, fix }) => finding('config_invalid', message, fix)),
    ...(more > 0
      ? [finding('config_invalid', `${more} problems more`, 'mcp-hangar config check')]
      : []),
    ...(othersMayWrite
      ? [
          finding(
            'config_writable',
            `other users can write ${String(path)}`,
            `chmod go-w ${shellWord(String(path))}`,
          ),
        ]
      : []),
    ...notices.map((notice) =>
      finding('config_notice', notice, 'leave it out until a build obeys it'),
    ),
  ];
}

function judgeState({ folder, problem, ...state }: StateFacts): readonly Finding[] {
  const where = folder === undefined ? '' : ` ${folder}`;
  if (problem !== undefined) {
    const fix = 'correct that, or name another with --state-dir';
    return [finding('state_unusable', `the state folder${where} cannot be used: ${problem}`, fix)];
  }
  const findings: Finding[] = [];
  if (state.othersMayLook)
    findings.push(
      finding(
        'state_open',
        `other users can look into${where}`,
        `chmod 700 ${shellWord(folder ?? '')}`,
      ),
    );
  if (state.freeBytes !== undefined && state.freeBytes < DISK_BYTES_MIN) {
    const message = `${kilobytes(state.freeBytes)} are left where${where} is`;
    findings.push(finding('disk_low', message, 'make space, or use another --state-dir'));
  }
  return findings;
}

function judgeStore(store: StoreFacts): readonly Finding[] {
  switch (store.kind) {
    case 'none':
    case 'usable':
    case 'whole':
      return [];
    case 'damaged':
      return store.problems
        .slice(0, PROBLEMS_MAX)
        .map((each) => finding('event_log_damaged', each, `move it away: ${store.path}`));
    case 'unchecked': {
      const message = `the event log has ${kilobytes(store.bytes)}, more than is read here`;
      return [finding('event_log_unchecked', message, 'mcp-hangar events verify')];
    }
    case 'unreachable':
    case 'unusable': {
      const { kind, name, problem } = store;
      const message = `the event log "${name}" cannot be used: ${problem}`;
      return [finding(`event_store_${kind}`, message, STORE_FIXES[kind])];
    }
    case 'forbidden': {
      const message = `the event log "${store.name}" cannot be kept: ${store.problem}`;
      return [finding('event_store_forbidden', message, store.fix)];
    }
  }
}

const STORE_FIXES = {
  unreachable:
    'check that PostgreSQL runs there and lets this user in, and what persistence.postgresql says',
  unusable:
    'name another database or schema under persistence.postgresql, or use the version of mcp-hangar that wrote there last',
} as const;

function judgeGateway({ kind }: GatewayFacts): readonly Finding[] {
  const restart = 'restart it: end the clients that use it, or its process';
  switch (kind) {
    case 'absent':
    case 'running':
    case 'stopping':
      return [];
    case 'silent':
      return [
        finding('gateway_silent', 'the gateway of this configuration does not answer', restart),
      ];
    case 'other-version':
      return [
        finding('gateway_other_version', 'the gateway that runs is of another version', restart),
      ];
    case 'other-configuration': {
      const message =
        'the gateway that runs was started with an earlier content of the configuration, or in another environment';
      return [finding('gateway_other_configuration', message, restart)];
    }
  }
}

function judgePort(facts: PortFacts | undefined): readonly Finding[] {
  if (facts?.heldBy === undefined) return [];
  const { port, heldBy } = facts;
  const message = `port ${port}, which serve --http would use, is held by ${heldBy}`;
  return [finding('port_taken_http', message, 'end that program, or choose another with --port')];
}

const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
