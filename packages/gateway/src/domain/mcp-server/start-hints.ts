/** What the words on a server's stderr say about why it did not start, and what to do. */

/** Stable names of causes: programs branch on them, and `doctor` documents them. */
export type CauseId =
  | 'certificate_untrusted'
  | 'command_not_found'
  | 'command_not_runnable'
  | 'connection_refused'
  | 'container_missing'
  | 'container_refused'
  | 'container_runtime_down'
  | 'crashed'
  | 'credential_refused'
  | 'cwd_missing'
  | 'disk_full'
  | 'ended_at_start'
  | 'env_missing'
  | 'handshake_invalid'
  | 'handshake_refused'
  | 'image_unknown'
  | 'import_failed'
  | 'module_missing'
  | 'no_answer'
  | 'node_version'
  | 'not_mcp'
  | 'out_of_memory'
  | 'package_unknown'
  | 'package_version_unknown'
  | 'package_without_program'
  | 'path_missing'
  | 'permission_denied'
  | 'port_taken'
  | 'registry_unreachable'
  | 'serves_http'
  | 'service_silent'
  | 'spawn_failed'
  | 'stdout_noise'
  | 'syntax_error';

/** A cause and the most likely remedy. */
export interface Advice {
  readonly id: CauseId;
  readonly suggestion: string;
}

interface Hint extends Advice {
  readonly pattern: RegExp;
}

const bothInOneLine = (one: string, other: string): RegExp =>
  new RegExp(`^(?=.*(?:${one}))(?=.*(?:${other}))`, 'im');

/**
 * The first hint that matches what the server wrote is given. The particular come before the general:
 * npm, missing settings, Node versions and containers all print words that later lines look for.
 */
const HINTS: readonly Hint[] = [
  {
    id: 'package_unknown',
    pattern: /npm (?:err!|error)[^\n]*(?:e404|\b404\b)/i,
    suggestion: 'npm does not know this package: check its name in "args"',
  },
  {
    id: 'package_version_unknown',
    pattern: /\betarget\b|no matching version found/i,
    suggestion: 'npm has no such version of this package: check the version in "args"',
  },
  {
    id: 'package_without_program',
    pattern: /could not determine executable to run/i,
    suggestion: 'this npm package has no executable of its own: name one with "-p PACKAGE NAME"',
  },
  {
    id: 'certificate_untrusted',
    pattern:
      /self[- _]signed[- _]cert|unable[ _]to[ _](?:verify|get)[ _](?:the first|leaf|local issuer|issuer)|certificate_verify_failed|unknown certificate authority|invalid peer certificate/i,
    suggestion:
      'it does not trust a TLS certificate: name the authority in "env" (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE)',
  },
  {
    id: 'registry_unreachable',
    pattern: /npm (?:err!|error)[^\n]*(?:enotfound|eai_again|etimedout|econnrefused|econnreset)/i,
    suggestion:
      'npm cannot reach its registry: check the network, the proxy, or install the package',
  },
  {
    id: 'package_unknown',
    pattern: /not found in the package registry|no solution found when resolving/i,
    suggestion: 'uv does not know this package or version: check its name in "args"',
  },
  {
    id: 'registry_unreachable',
    pattern: /error sending request for url|failed to fetch: `|network connectivity is disabled/i,
    suggestion: 'uv cannot reach its index: check the network, the proxy, or install the package',
  },
  {
    id: 'env_missing',
    pattern: bothInOneLine(
      'environment variable|api[ _-]?key|access[ _-]?token|\\b[a-z0-9_]+_(?:key|token|secret|url)\\b',
      'required|missing|not set|must be set|must set|not provided|not defined|please set|set the ',
    ),
    suggestion:
      'set what it asks for under "env" of this server: the environment of the gateway is not passed on',
  },
  {
    id: 'node_version',
    pattern:
      /ebadengine|unsupported engine|err_unknown_builtin_module|no such built-in module|bad option: --|requires? (?:at least )?node|(?:unsupported|incompatible|minimum) node|node(?:\.?js)?(?: version)? v?[\d.]+ (?:is|or)\b/i,
    suggestion: 'it needs another version of Node.js: put that one first in "env.PATH"',
  },
  {
    id: 'container_refused',
    pattern: bothInOneLine('docker|podman', 'permission'),
    suggestion:
      'the container runtime refuses this user: add it to the "docker" group or use podman',
  },
  {
    id: 'container_runtime_down',
    pattern:
      /cannot connect to the docker daemon|is the docker daemon running|failed to connect to the docker api|cannot connect to podman|podman machine start/i,
    suggestion:
      'the container runtime does not run: start Docker ("podman machine start" for podman), then try again',
  },
  {
    id: 'image_unknown',
    pattern:
      /pull access denied|repository does not exist|manifest unknown|requested access to the resource is denied/i,
    suggestion:
      'the image cannot be pulled: check its name and tag; a private one needs "docker login"',
  },
  {
    id: 'container_missing',
    pattern: bothInOneLine('docker|podman|container', 'not found'),
    suggestion:
      'the container runtime or the image is missing: install the runtime, pull the image',
  },
  {
    id: 'path_missing',
    pattern: /cannot find module '[^'\n]*[\\/][^'\n]*'[^]*requirestack: \[\]/i,
    suggestion: 'the script that "args" names does not exist: correct its path',
  },
  {
    id: 'module_missing',
    pattern: /module[ _]?not[ _]?found|no module named|cannot find (?:module|package)/i,
    suggestion:
      'install its dependencies; for Python, use the interpreter of its virtual environment',
  },
  {
    id: 'import_failed',
    pattern: /importerror/i,
    suggestion: 'a Python import fails: reinstall its dependencies in the right versions',
  },
  {
    id: 'syntax_error',
    pattern: /syntaxerror/i,
    suggestion:
      'its code does not parse: check the file, and whether it needs a newer interpreter than this one',
  },
  {
    id: 'port_taken',
    pattern: /eaddrinuse|address already in use/i,
    suggestion: 'another program has its port: end that one or give this server another port',
  },
  {
    id: 'disk_full',
    pattern: /\benospc\b|no space left on device/i,
    suggestion: 'no space is left on the disk: make some',
  },
  {
    id: 'permission_denied',
    pattern: /permission|\beacces\b/i,
    suggestion: 'check the permissions of the files and folders that it uses',
  },
  {
    id: 'path_missing',
    pattern: /no such file|\benoent\b/i,
    suggestion:
      'check the paths in "args" and "env": relative ones count from its working directory',
  },
  {
    id: 'credential_refused',
    pattern:
      /(?:http|status|code|error)[^\n]{0,20}\b401\b|unauthorized|bad credentials|authentication failed|invalid (?:api[ _-]?key|(?:access[ _-]?)?token|credentials)/i,
    suggestion: 'a service refuses its credential: check what "env" of this server gives it',
  },
  {
    id: 'connection_refused',
    pattern: /connection refused|\beconnrefused\b/i,
    suggestion: 'a service that it connects to does not run or has another address',
  },
  {
    id: 'service_silent',
    pattern: /timeout|timed out|\betimedout\b/i,
    suggestion: 'a service that it connects to does not answer: check the network and its address',
  },
  {
    id: 'out_of_memory',
    pattern: /out of memory|cannot allocate memory|\benomem\b/i,
    suggestion: 'it needs more memory than it may have',
  },
  {
    id: 'not_mcp',
    pattern: /json-?rpc/i,
    suggestion: 'is this an MCP server, and is it told to use stdio?',
  },
  {
    id: 'serves_http',
    pattern:
      /listening (?:on|at)\b|(?:running|started|serving|available) (?:on|at) (?:port|https?:)/i,
    suggestion:
      'it seems to serve HTTP: tell it to use stdio, or configure it as "mode: remote" with that address as "endpoint"',
  },
  {
    id: 'crashed',
    pattern:
      /^traceback \(most recent call last\)|^\s+at .+:\d+:\d+\)?$|^thread '.*' panicked at|^panic: /im,
    suggestion:
      'it crashed with an error of its own: read that line, correct what it is given, or try another version of it',
  },
];

/** What the output of a server says about its failure; undefined where nothing in it is known. */
export const adviceIn = (text: string): Advice | undefined => hintIn(text);

const hintIn = (text: string): Hint | undefined => HINTS.find((hint) => hint.pattern.test(text));

/** Where a package manager put its log, what Node adds to an exception, and the frames of a stack say nothing. */
const SAYS_NOTHING = /A complete log of this run|^Node\.js v\d|^\s+at |^\s*\^+\s*$|^npm error\s*$/;
/** What Node quotes of the program: the line above these. */
const POINTS_UP = /^\s*\^+\s*$/;
const NAMES_ERROR = /^(?:uncaught )?\w*(?:error|exception|panic)\b.*:|^error\b|^fatal\b/i;

/**
 * The line of a server's stderr that says most: one that a remedy is known for, else one that names an error, else the
 * last. Empty where there is none.
 */
export function tellingLine(text: string): string {
  const lines = text
    .split('\n')
    .filter((_, at, all) => !POINTS_UP.test(all[at + 1] ?? ''))
    .filter((line) => line.trim() !== '' && !SAYS_NOTHING.test(line));
  const pattern = hintIn(text)?.pattern;
  const matching = pattern === undefined ? [] : lines.filter((line) => pattern.test(line));
  const longest = matching.toSorted((a, b) => b.length - a.length)[0];
  const named = lines.findLast((line) => NAMES_ERROR.test(line.trim()));
  return (longest ?? named ?? lines.at(-1) ?? '').trim();
}
