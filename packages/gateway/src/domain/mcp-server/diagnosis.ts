import { adviceIn, type Advice, type CauseId } from './start-hints.ts';

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
      readonly stdoutNoise?: string | undefined;
    };

export interface Diagnosis {
  readonly id: CauseId;
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
    case 'exited': {
      const { exitCode, signal, stderrTail, stdoutNoise } = failure;
      const advice =
        adviceIn(stderrTail) ?? fromNoise(stdoutNoise) ?? fromExit(exitCode, signal) ?? ENDED;
      return { ...advice, reason: exitReason(exitCode, signal) };
    }
    case 'timeout':
      return {
        reason: `it did not answer "initialize" within ${failure.timeoutMs / 1_000} s`,
        ...(fromNoise(failure.stdoutNoise) ?? adviceIn(failure.stderrTail) ?? SILENT),
      };
    case 'handshake-error':
      return refused(failure);
  }
};

const ENDED = { id: 'ended_at_start', suggestion: undefined } as const;
const SILENT = {
  id: 'no_answer',
  suggestion:
    'raise "startup_timeout_s" if it installs or builds something first; otherwise check that it speaks MCP over stdio',
} as const;

function refused(failure: Extract<StartFailure, { kind: 'handshake-error' }>): Diagnosis {
  const { code, message, stderrTail, stdoutNoise } = failure;
  const isOfNoUse = code === 0;
  const advice = adviceIn(message) ?? fromNoise(stdoutNoise) ?? adviceIn(stderrTail);
  return {
    reason: isOfNoUse
      ? `its answer to "initialize" is of no use: ${shortened(message)}`
      : `it answered "initialize" with error ${code}: "${shortened(message)}"`,
    id: advice?.id ?? (isOfNoUse ? 'handshake_invalid' : 'handshake_refused'),
    suggestion: advice?.suggestion,
  };
}

/** The beginning of what a web server or a page says. */
const WEB = /^\s*(?:<!doctype|<html|http\/\d)/i;

function fromNoise(line: string | undefined): Advice | undefined {
  if (line === undefined) return undefined;
  const quoted = shortened(line);
  if (WEB.test(line)) {
    const suggestion = `it prints what a web server would ("${quoted}"): give the command of an MCP server that uses stdio, or "mode: remote" with its address as "endpoint"`;
    return { id: 'not_mcp', suggestion };
  }
  const suggestion = `the server prints to stdout ("${quoted}"), where only JSON-RPC may be: make it log to stderr`;
  return { id: 'stdout_noise', suggestion };
}

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

function fromExit(exitCode: number | null, signal: string | null): Advice | undefined {
  const code = exitCode ?? (signal === null ? undefined : SIGNAL_CODES[signal]);
  const suggestion = code === undefined ? undefined : EXIT_CODES[code];
  if (suggestion === undefined) return undefined;
  return { id: code === 137 ? 'out_of_memory' : 'ended_at_start', suggestion };
}

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
      return {
        id: 'command_not_found',
        reason: `command "${command}" not found`,
        suggestion: howToFind(failure),
      };
    case 'EACCES':
    case 'EPERM':
      return {
        id: 'command_not_runnable',
        reason: `"${file}" is not executable`,
        suggestion: `run "chmod +x ${file}", or name its interpreter as the command and this file in "args"`,
      };
    case 'CWD_MISSING':
      return {
        id: 'cwd_missing',
        reason: `working directory "${failure.cwd ?? ''}" does not exist`,
        suggestion: 'create it or correct "cwd"',
      };
    case 'INTERPRETER_MISSING':
      return {
        id: 'command_not_runnable',
        reason: `the interpreter that the first line of "${file}" names does not exist`,
        suggestion:
          'correct that line, reinstall the program, or name its interpreter as the command',
      };
    case 'ENOEXEC':
      return {
        id: 'command_not_runnable',
        reason: `"${file}" is not a program for this system`,
        suggestion:
          'install it for this processor and operating system, or add a "#!" line to the script',
      };
    case 'E2BIG':
      return {
        id: 'spawn_failed',
        reason: `the arguments and environment of "${command}" are too long`,
        suggestion: 'shorten "args" and "env"',
      };
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return {
        id: 'spawn_failed',
        reason: `the system has nothing left to start "${command}" with (${code})`,
        suggestion: 'stop other servers, or raise the limits of processes, memory and open files',
      };
    default:
      return {
        id: 'spawn_failed',
        reason: `command "${command}" could not be started (${code})`,
        suggestion: undefined,
      };
  }
};

const howToFind = ({ command, foundAt, path }: SpawnFailed): string => {
  if (/[/\\]/.test(command))
    return 'check the path; a relative one counts from the working directory';
  if (foundAt !== undefined) {
    return `"${command}" is not on PATH (${foldersOf(path)}) but exists at ${foundAt}: write that path or set env.PATH`;
  }
  const install = INSTALL[command] ?? 'install it';
  return `"${command}" is not on PATH (${foldersOf(path)}): ${install}, or write its full path`;
};

/** Characters of a PATH that tell where it comes from. */
const PATH_MAX = 120;

/** The folders of a PATH once each; of many the first. */
const foldersOf = (path: string): string => {
  const delimiter = path.includes(';') ? ';' : ':';
  const folders = [...new Set(path.split(delimiter))];
  let text = folders.shift() ?? '';
  while (folders[0] !== undefined && text.length + folders[0].length < PATH_MAX)
    text += delimiter + folders.shift();
  return folders.length === 0 ? text : `${text} and ${folders.length} more`;
};

/** Enough of a foreign text to recognise it. Characters. */
const QUOTE_MAX = 120;

const shortened = (text: string): string =>
  text.length <= QUOTE_MAX ? text : `${text.slice(0, QUOTE_MAX)}...`;
