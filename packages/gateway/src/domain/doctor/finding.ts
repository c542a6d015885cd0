/** Everything that `doctor` may find: stable ids, how bad each one is, and what it puts at risk. */
import type { CauseId } from '../mcp-server/start-hints.ts';

/** `error`: something does not work; `warning`: it may not; `info`: good to know. */
export const LEVELS = ['error', 'warning', 'info'] as const;
export type Level = (typeof LEVELS)[number];

interface FindingKind {
  readonly about: 'server' | 'installation';
  readonly level: Level;
  readonly meaning: string;
  readonly risk: string;
}

const UNUSABLE = 'its tools are missing for every client, and calls end with this error';

const cause = (meaning: string): FindingKind => ({
  about: 'server',
  level: 'error',
  meaning,
  risk: UNUSABLE,
});

const ofServer = (level: Level, meaning: string, risk: string): FindingKind => ({
  about: 'server',
  level,
  meaning,
  risk,
});

const ofInstallation = (level: Level, meaning: string, risk: string): FindingKind => ({
  about: 'installation',
  level,
  meaning,
  risk,
});

/** Why a local server does not start; the same ids stand in `data.diagnosis` of a call's error. */
const START_CAUSES = {
  certificate_untrusted: cause('It does not trust a TLS certificate.'),
  command_not_found: cause('The command is not on the PATH.'),
  command_not_runnable: cause('The command is no program that this system can run.'),
  connection_refused: cause('A service that it needs does not run.'),
  container_missing: cause('The container runtime or the image is missing.'),
  container_refused: cause('The container runtime refuses this user.'),
  container_runtime_down: cause('The container runtime is installed and does not run.'),
  crashed: cause('It crashed with an error of its own.'),
  credential_refused: cause('A service refuses its credential.'),
  cwd_missing: cause('Its working directory does not exist.'),
  disk_full: cause('No space is left on a disk.'),
  ended_at_start: cause('It ended during its start.'),
  env_missing: cause('It asks for a setting that "env" does not give it.'),
  handshake_invalid: cause('Its first answer is of no use.'),
  handshake_refused: cause('It refuses the handshake.'),
  image_unknown: cause('The image cannot be pulled.'),
  import_failed: cause('A Python import fails.'),
  module_missing: cause('A dependency of it is not installed.'),
  no_answer: cause('It does not answer.'),
  node_version: cause('It needs another version of Node.js.'),
  not_mcp: cause('What answers is no MCP server.'),
  out_of_memory: cause('It has not enough memory.'),
  package_unknown: cause('The package does not exist.'),
  package_version_unknown: cause('The package has no such version.'),
  package_without_program: cause('The package has no program to run.'),
  path_missing: cause('A file that it needs does not exist.'),
  permission_denied: cause('It may not use a file or folder.'),
  port_taken: cause('Another program has its port.'),
  registry_unreachable: cause('The package registry cannot be reached.'),
  serves_http: cause('It serves HTTP instead of stdio.'),
  service_silent: cause('A service that it needs does not answer.'),
  spawn_failed: cause('The system cannot start it.'),
  stdout_noise: cause('It prints to stdout and does not answer.'),
  syntax_error: cause('Its code does not parse.'),
} satisfies Record<CauseId, FindingKind>;

const REMOTE_CAUSES = {
  address_refused: cause('The address of a remote server is not allowed.'),
  rate_limited: cause('A remote server asks for fewer calls.'),
  tls_failed: cause('The TLS connection to a remote server cannot be trusted.'),
  unauthorized: cause('A remote server refuses the credential, or wants one.'),
  unavailable: cause('A remote server is up but cannot serve.'),
  unreachable: cause('No connection to a remote server can be made.'),
} satisfies Record<string, FindingKind>;

const TOKENS = 'it fills the context of every client, which costs money and attention';
const REJECTED = 'clients and models may reject the tool, or all tools together with it';

const SERVERS = {
  call_failed: ofServer('error', 'The call that --call asked for failed.', 'calls may fail alike'),
  call_tool_error: ofServer(
    'warning',
    'The tool that --call named reported an error.',
    'it may want other arguments (--arguments)',
  ),
  credential_unprotected: ofServer(
    'warning',
    'A credential is sent over plain HTTP.',
    'anybody on the way can read and use it',
  ),
  disabled: ofServer('info', 'The configuration switches it off.', 'it was not checked'),
  ended_early: ofServer('error', 'It ended while it was checked.', 'calls in flight are lost'),
  env_empty: ofServer(
    'warning',
    'A variable under "env" is empty.',
    'most servers take that for a missing setting',
  ),
  env_unset: ofServer(
    'error',
    'The configuration refers to a variable that is not set.',
    'the gateway does not start with this configuration',
  ),
  ignores_sigterm: ofServer(
    'warning',
    'It ends on SIGKILL only.',
    'it cannot save anything at its end, and each stop of it takes 7 s',
  ),
  ignores_stdin_end: ofServer(
    'warning',
    'It does not end when its stdin ends.',
    'each stop of it takes 2 s longer; where its client is killed it stays behind, without a gateway',
  ),
  list_failed: ofServer('error', 'Its lists cannot be read.', 'clients see none of its tools'),
  list_incomplete: ofServer(
    'warning',
    'A list does not end, or is over the limit.',
    'clients see a part of it',
  ),
  list_slow: ofServer(
    'warning',
    'Listing its tools takes long.',
    'the first list of a client waits for it',
  ),
  list_unstable: ofServer(
    'info',
    'Two lists of its tools differ.',
    'clients read them again, and caches of prompts are lost',
  ),
  mode_inactive: cause('Its mode does not run in this build.'),
  path_missing_in_args: ofServer(
    'warning',
    'A path in "args" does not exist.',
    'it may fail as soon as it uses it',
  ),
  predefined_unknown: ofServer(
    'warning',
    'The configuration declares tools that it does not have.',
    'clients see them, and calls of them fail',
  ),
  processes_escape: ofServer(
    'warning',
    'It starts processes that outlive it.',
    'they pile up with each start, because the gateway cannot end them',
  ),
  runner_downloads: ofServer(
    'info',
    'npx or uvx looks for its package at each start.',
    'starts are slow, fail without a network, and a new version comes unasked',
  ),
  schema_invalid: ofServer('error', 'An input schema is no valid JSON Schema.', REJECTED),
  schema_missing: ofServer('error', 'A tool has no input schema.', REJECTED),
  schema_not_object: ofServer('error', 'An input schema is not of type "object".', REJECTED),
  schema_ref_unresolved: ofServer('error', 'A $ref in an input schema leads nowhere.', REJECTED),
  start_slow: ofServer(
    'warning',
    'It takes more than half of its start-up time.',
    'on a busy day its start fails',
  ),
  stderr_errors: ofServer(
    'warning',
    'What it writes to stderr looks like errors.',
    'a part of it may not work',
  ),
  stdout_polluted: ofServer(
    'warning',
    'It prints lines to stdout that are no JSON-RPC.',
    'the gateway skips them; other clients end the connection, and one within an answer breaks a call',
  ),
  tls_not_verified: ofServer(
    'warning',
    'tls.verify_ssl is false.',
    'anybody on the way can read and change everything',
  ),
  tool_name_collision: ofServer(
    'error',
    'Two tools have the same name for clients.',
    'only the first of them can be called',
  ),
  tool_name_invalid: ofServer(
    'warning',
    'A tool name has characters that models do not take.',
    'some clients leave the tool out, or refuse the list',
  ),
  tool_name_long: ofServer(
    'warning',
    'SERVER__TOOL has more than 64 characters.',
    'clients see a shortened name, which says less',
  ),
  tool_without_name: ofServer('error', 'A tool has no name.', 'it cannot be called'),
  tools_list_large: ofServer('warning', 'The list of its tools is very large.', TOKENS),
  tools_many: ofServer('warning', 'It has very many tools.', TOKENS),
  tools_none: ofServer('warning', 'It offers tools and lists none.', 'there is nothing to call'),
} satisfies Record<string, FindingKind>;

const NO_STORE =
  'the gateway does not start, or only in memory; one that runs is not ready and keeps what happens in memory';

const INSTALLATION = {
  compile_cache_off: ofInstallation(
    'info',
    'The launcher cannot keep compiled code.',
    'each start takes longer',
  ),
  config_invalid: ofInstallation(
    'error',
    'The configuration has a problem.',
    'the gateway does not start',
  ),
  config_missing: ofInstallation(
    'warning',
    'There is no configuration.',
    'the gateway serves no servers',
  ),
  config_notice: ofInstallation(
    'warning',
    'The configuration says something that is not obeyed.',
    'it does less than it seems to',
  ),
  config_writable: ofInstallation(
    'warning',
    'Other users can write the configuration.',
    'they can run programs as you',
  ),
  disk_low: ofInstallation(
    'warning',
    'Little space is left for the state.',
    'events are lost when there is none',
  ),
  event_log_damaged: ofInstallation(
    'error',
    'The event log is not whole.',
    'what it says of the past is wrong or incomplete',
  ),
  event_log_unchecked: ofInstallation(
    'info',
    'The event log is too large to be checked here.',
    'damage would not be seen',
  ),
  event_store_forbidden: ofInstallation(
    'error',
    'Where events are kept they may not be written.',
    NO_STORE,
  ),
  event_store_unreachable: ofInstallation(
    'error',
    'The database of the event log does not answer.',
    NO_STORE,
  ),
  event_store_unusable: ofInstallation(
    'error',
    'The database cannot hold the event log of this version.',
    NO_STORE,
  ),
  gateway_other_configuration: ofInstallation(
    'warning',
    'The gateway runs with an earlier content of the configuration, or another environment.',
    'what you changed is not in use',
  ),
  gateway_other_version: ofInstallation(
    'warning',
    'The gateway that runs is of another version.',
    'commands of this one cannot ask it',
  ),
  gateway_silent: ofInstallation(
    'error',
    'The gateway that runs does not answer.',
    'its clients wait, and new ones serve themselves without its state',
  ),
  port_taken_http: ofInstallation(
    'warning',
    'Another program has the port for HTTP.',
    'serve --http does not start',
  ),
  state_open: ofInstallation(
    'warning',
    'Other users can look into the state folder.',
    'it names what was called with which arguments',
  ),
  state_unusable: ofInstallation(
    'error',
    'The state folder cannot be used.',
    'the event log and what was learnt of servers are lost with each process',
  ),
} satisfies Record<string, FindingKind>;

export const FINDINGS = { ...START_CAUSES, ...REMOTE_CAUSES, ...SERVERS, ...INSTALLATION };
export type FindingId = keyof typeof FINDINGS;

/** Something that was found, as it is shown: message, risk and fix are one sentence each, without a full stop. */
export interface Finding {
  readonly id: FindingId;
  readonly level: Level;
  readonly message: string;
  readonly risk: string;
  /** What to do or type; undefined where nothing can be told. */
  readonly fix: string | undefined;
}

/** Level and risk are those of the id. */
export function finding(id: FindingId, message: string, fix?: string): Finding {
  const { level, risk } = FINDINGS[id];
  return { id, level, message, risk, fix };
}

/** The worst level first; in the order given within a level. */
export const worstFirst = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
