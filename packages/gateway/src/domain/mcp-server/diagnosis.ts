/** What is known about a start that failed. Texts from the server arrive redacted. */
export type StartFailure =
  | {
      readonly kind: 'spawn-failed';
      /** The system's error code, `CWD_MISSING` or `INTERPRETER_MISSING`. */
      readonly code: string;
      readonly command: string;
      /** Where the command was seen outside of PATH, or the file that could not be run. */
      readonly foundAt?: string | undefined;
      /** The PATH that was searched. */
      readonly path: string;
      readonly cwd?: string | undefined;
    }
  | {
      readonly kind: 'exited';
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly stderrTail: string;
      /** The first line of stdout that is no JSON. */
      readonly stdoutNoise?: string | undefined;
    }
  | {
      readonly kind: 'timeout';
      readonly timeoutMs: number;
      readonly stderrTail: string;
      readonly stdoutNoise?: string | undefined;
    }
  | {
      readonly kind: 'handshake-error';
      readonly code: number;
      readonly message: string;
      readonly stderrTail: string;
    };

export interface Diagnosis {
  /** What happened, to follow `Cannot start MCP server "id": `. */
  readonly reason: string;
  /** What to do about it, when that can be told. */
  readonly suggestion: string | undefined;
}

type SpawnFailed = Extract<StartFailure, { kind: 'spawn-failed' }>;

/** Names the cause of a failed start and the most likely remedy. */
export const diagnose = (failure: StartFailure): Diagnosis => {
  switch (failure.kind) {
    case 'spawn-failed':
      return diagnoseSpawn(failure);
    case 'exited':
      return {
        reason: exitReason(failure.exitCode, failure.signal),
        suggestion:
          fromOutput(failure.stderrTail) ??
          fromNoise(failure.stdoutNoise) ??
          fromExit(failure.exitCode, failure.signal),
      };
    case 'timeout':
      return {
        reason: `it did not answer "initialize" within ${failure.timeoutMs / 1_000} s`,
        suggestion:
          fromNoise(failure.stdoutNoise) ??
          fromOutput(failure.stderrTail) ??
          'raise "startup_timeout_s" if it installs or builds something first; otherwise check that it speaks MCP over stdio',
      };
    case 'handshake-error':
      return {
        reason:
          failure.code === 0
            ? `its answer to "initialize" is of no use: ${shortened(failure.message)}`
            : `it answered "initialize" with error ${failure.code}: "${shortened(failure.message)}"`,
        suggestion: fromOutput(failure.message) ?? fromOutput(failure.stderrTail),
      };
  }
};

interface Hint {
  readonly pattern: RegExp;
  readonly suggestion: string;
}

const bothInOneLine = (one: string, other: string): RegExp =>
  new RegExp(`^(?=.*(?:${one}))(?=.*(?:${other}))`, 'im');

/**
 * The first hint that matches what the server wrote is given. The particular come before the general:
 * npm, missing settings, Node versions and containers all print words that later lines look for.
 */
const HINTS: readonly Hint[] = [
  {
    pattern: /npm (?:err!|error)[^\n]*(?:e404|\b404\b)/i,
    suggestion: 'npm does not know this package: check its name in "args"',
  },
  {
    pattern: /\betarget\b|no matching version found/i,
    suggestion: 'npm has no such version of this package: check the version in "args"',
  },
  {
    pattern: /could not determine executable to run/i,
    suggestion: 'this npm package has no executable of its own: name one with "-p PACKAGE NAME"',
  },
  {
    pattern: /npm (?:err!|error)[^\n]*(?:enotfound|eai_again|etimedout|econnrefused|econnreset)/i,
    suggestion:
      'npm cannot reach its registry: check the network, the proxy, or install the package',
  },
  {
    pattern: /not found in the package registry|no solution found when resolving/i,
    suggestion: 'uv does not know this package or version: check its name in "args"',
  },
  {
    pattern: bothInOneLine(
      'environment variable|api[ _-]?key|access[ _-]?token|\\b[a-z0-9_]+_(?:key|token|secret|url)\\b',
      'required|missing|not set|must be set|must set|not provided|not defined|please set|set the ',
    ),
    suggestion:
      'set what it asks for under "env" of this server: the environment of the gateway is not passed on',
  },
  {
    pattern:
      /ebadengine|unsupported engine|err_unknown_builtin_module|no such built-in module|bad option: --|requires? (?:at least )?node|(?:unsupported|incompatible|minimum) node|node(?:\.?js)?(?: version)? v?[\d.]+ (?:is|or)\b/i,
    suggestion: 'it needs another version of Node.js: put that one first in "env.PATH"',
  },
  {
    pattern: bothInOneLine('docker|podman', 'permission'),
    suggestion:
      'the container runtime refuses this user: add it to the "docker" group or use podman',
  },
  {
    pattern: bothInOneLine('docker|podman|container', 'not found'),
    suggestion:
      'the container runtime or the image is missing: install the runtime, pull the image',
  },
  {
    pattern: /module[ _]?not[ _]?found|no module named|cannot find (?:module|package)/i,
    suggestion:
      'install its dependencies; for Python, use the interpreter of its virtual environment',
  },
  {
    pattern: /importerror/i,
    suggestion: 'a Python import fails: reinstall its dependencies in the right versions',
  },
  {
    pattern: /syntaxerror/i,
    suggestion:
      'its code does not parse: check the file, and whether it needs a newer interpreter than this one',
  },
  {
    pattern: /eaddrinuse|address already in use/i,
    suggestion: 'another program has its port: end that one or give this server another port',
  },
  {
    pattern: /permission|\beacces\b/i,
    suggestion: 'check the permissions of the files and folders that it uses',
  },
  {
    pattern: /no such file|\benoent\b/i,
    suggestion:
      'check the paths in "args" and "env": relative ones count from its working directory',
  },
  {
    pattern: /connection refused|\beconnrefused\b/i,
    suggestion: 'a service that it connects to does not run or has another address',
  },
  {
    pattern: /timeout|timed out|\betimedout\b/i,
    suggestion: 'a service that it connects to does not answer: check the network and its address',
  },
  {
    pattern: /out of memory|cannot allocate memory|\benomem\b/i,
    suggestion: 'it needs more memory than it may have',
  },
  {
    pattern: /json-?rpc/i,
    suggestion: 'is this an MCP server, and is it told to use stdio?',
  },
];

const fromOutput = (text: string): string | undefined =>
  HINTS.find((hint) => hint.pattern.test(text))?.suggestion;

const fromNoise = (line: string | undefined): string | undefined =>
  line === undefined
    ? undefined
    : `the server prints to stdout ("${shortened(line)}"), where only JSON-RPC may be: make it log to stderr`;

const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'it ended as if its work were done: check "args", some servers must be told to use stdio',
  1: 'general error: its stderr says more, or start it by hand with the same arguments',
  2: 'usage error: check "args"',
  126: 'a program that it starts is not executable: check its permissions',
  127: 'a program that it starts was not found: set "env.PATH"',
  137: 'it was killed (SIGKILL), most often because it ran out of memory',
  139: 'it crashed (segmentation fault): reinstall it, or use another version of its runtime',
};

/** A shell reports the death of its child by a signal as 128 + the number of the signal. */
const SIGNAL_CODES: Readonly<Record<string, number>> = { SIGKILL: 137, SIGSEGV: 139 };

const fromExit = (exitCode: number | null, signal: string | null): string | undefined => {
  const code = exitCode ?? (signal === null ? undefined : SIGNAL_CODES[signal]);
  return code === undefined ? undefined : EXIT_CODES[code];
};

const exitReason = (exitCode: number | null, signal: string | null): string =>
  signal === null
    ? `it ended with exit code ${exitCode ?? 'unknown'} during its start`
    : `it was ended by ${signal} during its start`;

/** How to get the runners that most configurations name. */
const INSTALL: Readonly<Record<string, string>> = {
  npx: 'install Node.js (https://nodejs.org)',
  node: 'install Node.js (https://nodejs.org)',
  uvx: 'install uv (https://docs.astral.sh/uv)',
  uv: 'install uv (https://docs.astral.sh/uv)',
  docker: 'install Docker',
  podman: 'install Podman',
  bunx: 'install Bun (https://bun.sh)',
  deno: 'install Deno (https://deno.com)',
};

const diagnoseSpawn = (failure: SpawnFailed): Diagnosis => {
  const { code, command } = failure;
  const file = failure.foundAt ?? command;
  switch (code) {
    case 'ENOENT':
      return { reason: `command "${command}" not found`, suggestion: howToFind(failure) };
    case 'EACCES':
    case 'EPERM':
      return {
        reason: `"${file}" is not executable`,
        suggestion: `run "chmod +x ${file}", or name its interpreter as the command and this file in "args"`,
      };
    case 'CWD_MISSING':
      return {
        reason: `working directory "${failure.cwd ?? ''}" does not exist`,
        suggestion: 'create it or correct "cwd"',
      };
    case 'INTERPRETER_MISSING':
      return {
        reason: `the interpreter that the first line of "${file}" names does not exist`,
        suggestion:
          'correct that line, reinstall the program, or name its interpreter as the command',
      };
    case 'ENOEXEC':
      return {
        reason: `"${file}" is not a program for this system`,
        suggestion:
          'install it for this processor and operating system, or add a "#!" line to the script',
      };
    case 'E2BIG':
      return {
        reason: `the arguments and environment of "${command}" are too long`,
        suggestion: 'shorten "args" and "env"',
      };
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return {
        reason: `the system has nothing left to start "${command}" with (${code})`,
        suggestion: 'stop other servers, or raise the limits of processes, memory and open files',
      };
    default:
      return {
        reason: `command "${command}" could not be started (${code})`,
        suggestion: undefined,
      };
  }
};

const howToFind = ({ command, foundAt, path }: SpawnFailed): string => {
  if (/[/\\]/.test(command))
    return 'check the path; a relative one counts from the working directory';
  if (foundAt !== undefined) {
    return `"${command}" is not on PATH (${path}) but exists at ${foundAt}: write that path or set env.PATH`;
  }
  const install = INSTALL[command] ?? 'install it';
  return `"${command}" is not on PATH (${path}): ${install}, or write its full path`;
};

/** Enough of a foreign text to recognise it. Characters. */
const QUOTE_MAX = 120;

const shortened = (text: string): string =>
  text.length <= QUOTE_MAX ? text : `${text.slice(0, QUOTE_MAX)}...`;
