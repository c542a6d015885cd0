/** From what was seen of a server to what is to be said of it: one rule a finding. */
import { finding, worstFirst, type Finding } from './finding.ts';
import type { ServerCheck } from './server-check.ts';
import { counted, judgeTools, listed } from './tool-rules.ts';

/** A list or a start that takes longer is told. */
const LIST_SLOW_MS = 5_000;
const START_SLOW_SHARE = 0.5;
const LINE_CHARS_MAX = 160;

export interface Surroundings {
  /** Hexadecimal digest of a text. */
  readonly hash: (text: string) => string;
}

type Rule = (check: ServerCheck, around: Surroundings) => readonly Finding[];

/** Everything that is to be said of a server, the worst first. */
export const judgeServer = (check: ServerCheck, around: Surroundings): readonly Finding[] =>
  worstFirst(RULES.flatMap((rule) => rule(check, around)));

const SEE_CONFIGURATION = 'correct it in the configuration';

const RULES: readonly Rule[] = [
  ({ notStarted }) => {
    if (notStarted === undefined) return [];
    return notStarted === 'disabled'
      ? [
          finding(
            'disabled',
            'it is switched off (enabled: false)',
            'set "enabled: true" to use it',
          ),
        ]
      : [finding(notStarted.id, notStarted.message, notStarted.fix)];
  },
  ({ configured: { envUnset } }) =>
    envUnset.map((name) => {
      const message = `the configuration refers to ${name}, which is not set`;
      return finding('env_unset', message, `set ${name}, or write \${${name}:-default}`);
    }),
  ({ startFailure }) =>
    startFailure === undefined
      ? []
      : [finding(startFailure.id, startFailure.message, startFailure.fix)],
  ({ command, startFailure }) =>
    command?.daemon === 'silent' && startFailure?.id !== 'container_runtime_down'
      ? [
          finding(
            'container_runtime_down',
            `"${command.configured}" is installed, but what it talks to does not run`,
            'start it, then try again',
          ),
        ]
      : [],
  ({ configured: { envEmpty } }) =>
    envEmpty.length === 0
      ? []
      : [
          finding(
            'env_empty',
            `empty under "env": ${listed(envEmpty)}`,
            'set them where the gateway is started, or leave them out',
          ),
        ],
  ({ configured: { pathsMissing } }) =>
    pathsMissing.length === 0
      ? []
      : [
          finding(
            'path_missing_in_args',
            `paths in "args" that do not exist: ${listed(pathsMissing)}`,
            'correct them; relative ones count from its working directory ("cwd", else the folder of the configuration)',
          ),
        ],
  ({ configured: { isTlsUnverified } }) =>
    isTlsUnverified
      ? [
          finding(
            'tls_not_verified',
            'its certificate is not checked (tls.verify_ssl: false)',
            'name its authority as tls.ca_cert_path instead',
          ),
        ]
      : [],
  ({ configured: { isCredentialUnprotected } }) =>
    isCredentialUnprotected
      ? [
          finding(
            'credential_unprotected',
            'its endpoint is http, on another machine, and gets a credential',
            'use https in "endpoint"',
          ),
        ]
      : [],
  ({ command, startFailure }) =>
    command?.runtime === 'npx' || command?.runtime === 'uvx'
      ? startFailure === undefined
        ? [
            finding(
              'runner_downloads',
              `"${command.configured}" runs at each start, because what it names is not installed in that version`,
              command.runtime === 'npx'
                ? 'npm install -g PACKAGE'
                : 'uv tool install PACKAGE, and give uvx the plain name',
            ),
          ]
        : []
      : [],
  judgeStart,
  judgeLists,
  ({ list, configured }, { hash }) =>
    list === undefined ? [] : judgeTools(list, { server: configured.id, hash }),
  judgeOutput,
  judgeCall,
  judgeEnding,
];

function judgeStart({ configured, timings, startFailure }: ServerCheck): readonly Finding[] {
  const startMs = (timings.spawn ?? 0) + (timings.handshake ?? 0);
  const { startupTimeoutMs } = configured;
  if (startFailure !== undefined || startMs <= startupTimeoutMs * START_SLOW_SHARE) return [];
  const message = `its start took ${seconds(startMs)} of ${seconds(startupTimeoutMs)}`;
  return [finding('start_slow', message, 'raise "startup_timeout_s", or install what it loads')];
}

function judgeLists({
  configured,
  hello,
  list,
  listFailure,
  timings,
}: ServerCheck): readonly Finding[] {
  const findings: Finding[] = [];
  if (listFailure !== undefined)
    findings.push(finding('list_failed', listFailure.message, listFailure.fix));
  if (list === undefined) return findings;
  if (list.incomplete !== undefined)
    findings.push(finding('list_incomplete', list.incomplete, 'report it to its authors'));
  const listMs = timings.firstList ?? 0;
  if (listMs > LIST_SLOW_MS) {
    const fix = 'write its tools down under "tools", so that they are shown without a start';
    findings.push(finding('list_slow', `its first list took ${seconds(listMs)}`, fix));
  }
  if (!list.isStable) {
    const message = 'its tools or their order changed from one list to the next';
    findings.push(finding('list_unstable', message, 'report it to its authors'));
  }
  if (list.tools.length === 0 && hello?.capabilities.includes('tools') === true)
    findings.push(finding('tools_none', 'it declares tools and lists none', NO_TOOLS_FIX));
  const names = new Set(list.tools.map(({ name }) => name));
  const unknown = configured.predefinedTools.filter((name) => !names.has(name));
  if (unknown.length > 0) {
    const message = `declared under "tools" and not listed by it: ${listed(unknown)}`;
    findings.push(finding('predefined_unknown', message, SEE_CONFIGURATION));
  }
  return findings;
}

const NO_TOOLS_FIX = 'many servers want a login, or an option that says which tools to offer';

function judgeOutput({ output, startFailure }: ServerCheck): readonly Finding[] {
  if (output === undefined) return [];
  const findings: Finding[] = [];
  const { noiseLines, noise = '', errors, errorLines } = output;
  // Where it did not start, its diagnosis quotes both.
  if (startFailure !== undefined) return findings;
  if (noiseLines > 0) {
    const lines = noiseLines === 1 ? 'a line' : `${noiseLines} lines`;
    const message = `${lines} on stdout that ${noiseLines === 1 ? 'is' : 'are'} no JSON-RPC, the first: "${cut(noise)}"`;
    const fix = 'make it log to stderr; many have an option or a variable such as LOG_LEVEL';
    findings.push(finding('stdout_polluted', message, fix));
  }
  const [first] = errors;
  if (first !== undefined) {
    const message = `${counted(errorLines, 'line')} on stderr ${errorLines === 1 ? 'looks like an error' : 'look like errors'}, the first: "${cut(first)}"`;
    findings.push(
      finding('stderr_errors', message, 'read what it says, and correct what it names'),
    );
  }
  return findings;
}

function judgeCall({ call }: ServerCheck): readonly Finding[] {
  if (call === undefined) return [];
  if (call.failure !== undefined)
    return [finding('call_failed', `the call of "${call.tool}" failed: ${call.failure}`)];
  if (call.toolError === undefined) return [];
  const message = `"${call.tool}" answered with an error: ${cut(call.toolError)}`;
  return [finding('call_tool_error', message, 'give it the arguments that it wants (--arguments)')];
}

function judgeEnding({ ending, startFailure, timings }: ServerCheck): readonly Finding[] {
  if (ending === undefined) return [];
  const findings: Finding[] = [];
  if (ending.escaped.length > 0) {
    const message = `${counted(ending.escaped.length, 'process', 'processes')} of it outlived it, and ${ending.escaped.length === 1 ? 'was' : 'were'} ended now: ${listed(ending.escaped)}`;
    const fix = 'report it to its authors: it must not leave its process group (setsid, daemon)';
    findings.push(finding('processes_escape', message, fix));
  }
  if (startFailure !== undefined) return findings;
  switch (ending.by) {
    case 'itself':
      findings.push(finding('ended_early', 'it ended while it was checked', 'read its stderr'));
      break;
    case 'sigterm':
    case 'sigkill': {
      const id = ending.by === 'sigterm' ? 'ignores_stdin_end' : 'ignores_sigterm';
      const took = `it took ${seconds(timings.stop ?? 0)} to end`;
      const message =
        ending.by === 'sigterm'
          ? `it goes on when its stdin ends: ${took}`
          : `it goes on after SIGTERM: ${took}`;
      const fix = 'report it to its authors: a server on stdio ends with its stdin';
      findings.push(finding(id, message, fix));
      break;
    }
    case 'stdin':
  }
  return findings;
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

const cut = (line: string): string =>
  line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX)}…`;
