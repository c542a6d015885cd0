import { describe, expect, test } from 'vitest';
import { diagnose, type StartFailure } from './diagnosis.ts';

type Exited = Extract<StartFailure, { kind: 'exited' }>;

const exited = (stderrTail: string, exitCode: number | null = 1): Exited => ({
  kind: 'exited',
  exitCode,
  signal: null,
  stderrTail,
});

const suggestionFor = (stderrTail: string): string | undefined =>
  diagnose(exited(stderrTail)).suggestion;

describe('what a server wrote to stderr', () => {
  const NPM_NAME = 'npm does not know this package: check its name in "args"';
  const NPM_VERSION = 'npm has no such version of this package: check the version in "args"';
  const ENV =
    'set what it asks for under "env" of this server: the environment of the gateway is not passed on';
  const NODE = 'it needs another version of Node.js: put that one first in "env.PATH"';
  const RUNTIME =
    'the container runtime or the image is missing: install the runtime, pull the image';
  const DEPENDENCIES =
    'install its dependencies; for Python, use the interpreter of its virtual environment';
  const FILES = 'check the permissions of the files and folders that it uses';
  const PATHS =
    'check the paths in "args" and "env": relative ones count from its working directory';
  const REFUSED = 'a service that it connects to does not run or has another address';

  test.each([
    [
      'npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/nope',
      NPM_NAME,
    ],
    ['npm ERR! 404 Not Found', NPM_NAME],
    [
      'npm error code ETARGET\nnpm error notarget No matching version found for x@9.9.9.',
      NPM_VERSION,
    ],
    [
      'npm error could not determine executable to run',
      'this npm package has no executable of its own: name one with "-p PACKAGE NAME"',
    ],
    [
      'npm error code EAI_AGAIN',
      'npm cannot reach its registry: check the network, the proxy, or install the package',
    ],
    [
      'Because nope was not found in the package registry and you require nope',
      'uv does not know this package or version: check its name in "args"',
    ],
    ['Error: GITHUB_PERSONAL_ACCESS_TOKEN environment variable not set', ENV],
    ['BRAVE_API_KEY is required', ENV],
    ['No key.\nTOKEN environment variable is ignored\nConnection refused', REFUSED],
    ['Please provide an API key: it is missing', ENV],
    ['npm warn EBADENGINE Unsupported engine', NODE],
    ['Error [ERR_UNKNOWN_BUILTIN_MODULE]: No such built-in module: node:sqlite', NODE],
    ['This package requires Node.js >= 22', NODE],
    [
      'permission denied while trying to connect to the Docker daemon socket',
      'the container runtime refuses this user: add it to the "docker" group or use podman',
    ],
    ['docker: Error response from daemon: manifest for x not found', RUNTIME],
    ['container runtime NOT FOUND', RUNTIME],
    ["ModuleNotFoundError: No module named 'mcp'", DEPENDENCIES],
    ["Error: Cannot find module 'left-pad'", DEPENDENCIES],
    ["code: 'ERR_MODULE_NOT_FOUND'", DEPENDENCIES],
    [
      "ImportError: cannot import name 'x' from 'y'",
      'a Python import fails: reinstall its dependencies in the right versions',
    ],
    [
      'SyntaxError: invalid syntax',
      'its code does not parse: check the file, and whether it needs a newer interpreter than this one',
    ],
    [
      'Error: listen EADDRINUSE: address already in use :::3000',
      'another program has its port: end that one or give this server another port',
    ],
    ['PERMISSION DENIED: /data', FILES],
    ["EACCES: open '/data'", FILES],
    ["ENOENT: no such file or directory, open '/data'", PATHS],
    ['Connection refused', REFUSED],
    ['connect ECONNREFUSED 127.0.0.1:5432', REFUSED],
    [
      'Read timed out',
      'a service that it connects to does not answer: check the network and its address',
    ],
    ['JavaScript heap out of memory', 'it needs more memory than it may have'],
    ['expected a JSON-RPC message', 'is this an MCP server, and is it told to use stdio?'],
    ['invalid jsonrpc', 'is this an MCP server, and is it told to use stdio?'],
  ])('%j leads to a suggestion', (stderr, suggestion) => {
    expect(suggestionFor(stderr)).toBe(suggestion);
  });

  test('is worth more than the exit code, and nothing is found in nothing', () => {
    expect(diagnose(exited('Connection refused', 127)).suggestion).toBe(REFUSED);
    expect(diagnose(exited('started, all is well', 42)).suggestion).toBeUndefined();
  });
});

describe('an exit', () => {
  test.each([
    [0, 'it ended as if its work were done: check "args", some servers must be told to use stdio'],
    [1, 'general error: its stderr says more, or start it by hand with the same arguments'],
    [2, 'usage error: check "args"'],
    [126, 'a program that it starts is not executable: check its permissions'],
    [127, 'a program that it starts was not found: set "env.PATH"'],
    [137, 'it was killed (SIGKILL), most often because it ran out of memory'],
    [139, 'it crashed (segmentation fault): reinstall it, or use another version of its runtime'],
    [42, undefined],
  ])('with code %i', (exitCode, suggestion) => {
    expect(diagnose(exited('', exitCode))).toEqual({
      id: exitCode === 137 ? 'out_of_memory' : 'ended_at_start',
      reason: `it ended with exit code ${exitCode} during its start`,
      suggestion,
    });
  });

  test.each([
    ['SIGKILL', 'it was killed (SIGKILL), most often because it ran out of memory'],
    [
      'SIGSEGV',
      'it crashed (segmentation fault): reinstall it, or use another version of its runtime',
    ],
    ['SIGTERM', undefined],
  ])('by %s', (signal, suggestion) => {
    expect(diagnose({ kind: 'exited', exitCode: null, signal, stderrTail: '' })).toEqual({
      id: signal === 'SIGKILL' ? 'out_of_memory' : 'ended_at_start',
      reason: `it was ended by ${signal} during its start`,
      suggestion,
    });
  });

  test('after text on stdout', () => {
    const stdoutNoise = `Usage: ${'x'.repeat(200)}`;
    expect(diagnose({ ...exited(''), stdoutNoise }).suggestion).toBe(
      `the server prints to stdout ("Usage: ${'x'.repeat(113)}..."), where only JSON-RPC may be: make it log to stderr`,
    );
  });
});

describe('a server that does not answer', () => {
  const silent = { kind: 'timeout', timeoutMs: 30_000, stderrTail: '' } as const;

  test('may need more time', () => {
    expect(diagnose(silent)).toEqual({
      id: 'no_answer',
      reason: 'it did not answer "initialize" within 30 s',
      suggestion:
        'raise "startup_timeout_s" if it installs or builds something first; otherwise check that it speaks MCP over stdio',
    });
  });

  test('may print to stdout, whatever stderr says', () => {
    const failure = { ...silent, stdoutNoise: 'Server ready', stderrTail: 'Connection refused' };
    expect(diagnose(failure).suggestion).toBe(
      'the server prints to stdout ("Server ready"), where only JSON-RPC may be: make it log to stderr',
    );
  });
});

describe('a server that refuses the handshake', () => {
  test('is quoted', () => {
    const failure = {
      kind: 'handshake-error',
      code: -32_603,
      message: 'API_KEY must be set',
      stderrTail: '',
    } as const;
    expect(diagnose(failure)).toEqual({
      id: 'env_missing',
      reason: 'it answered "initialize" with error -32603: "API_KEY must be set"',
      suggestion:
        'set what it asks for under "env" of this server: the environment of the gateway is not passed on',
    });
    expect(diagnose({ ...failure, message: 'no' }).suggestion).toBeUndefined();
  });
});

describe('a command that cannot be started', () => {
  const path = '/usr/bin:/bin';
  const failed = (facts: { code: string; command: string; foundAt?: string; cwd?: string }) =>
    diagnose({ kind: 'spawn-failed', path, ...facts });

  test('because PATH is too short', () => {
    expect(failed({ code: 'ENOENT', command: 'npx', foundAt: '/opt/homebrew/bin/npx' })).toEqual({
      id: 'command_not_found',
      reason: 'command "npx" not found',
      suggestion:
        '"npx" is not on PATH (/usr/bin:/bin) but exists at /opt/homebrew/bin/npx: write that path or set env.PATH',
    });
  });

  test.each([
    [
      'uvx',
      '"uvx" is not on PATH (/usr/bin:/bin): install uv (https://docs.astral.sh/uv), or write its full path',
    ],
    ['my-tool', '"my-tool" is not on PATH (/usr/bin:/bin): install it, or write its full path'],
    ['./my-tool', 'check the path; a relative one counts from the working directory'],
  ])('because %s does not exist', (command, suggestion) => {
    expect(failed({ code: 'ENOENT', command })).toEqual({
      id: 'command_not_found',
      reason: `command "${command}" not found`,
      suggestion,
    });
  });

  test.each([
    [
      { code: 'EACCES', command: 'tool', foundAt: '/x/tool' },
      'command_not_runnable',
      '"/x/tool" is not executable',
      'run "chmod +x /x/tool", or name its interpreter as the command and this file in "args"',
    ],
    [
      { code: 'CWD_MISSING', command: 'tool', cwd: '/gone' },
      'cwd_missing',
      'working directory "/gone" does not exist',
      'create it or correct "cwd"',
    ],
    [
      { code: 'INTERPRETER_MISSING', command: 'tool', foundAt: '/x/tool' },
      'command_not_runnable',
      'the interpreter that the first line of "/x/tool" names does not exist',
      'correct that line, reinstall the program, or name its interpreter as the command',
    ],
    [
      { code: 'ENOEXEC', command: '/x/tool' },
      'command_not_runnable',
      '"/x/tool" is not a program for this system',
      'install it for this processor and operating system, or add a "#!" line to the script',
    ],
    [
      { code: 'E2BIG', command: 'tool' },
      'spawn_failed',
      'the arguments and environment of "tool" are too long',
      'shorten "args" and "env"',
    ],
    [
      { code: 'EMFILE', command: 'tool' },
      'spawn_failed',
      'the system has nothing left to start "tool" with (EMFILE)',
      'stop other servers, or raise the limits of processes, memory and open files',
    ],
    [
      { code: 'ERR_INVALID_ARG_VALUE', command: 'tool' },
      'spawn_failed',
      'command "tool" could not be started (ERR_INVALID_ARG_VALUE)',
      undefined,
    ],
  ])('because of %j', (facts, id, reason, suggestion) => {
    expect(failed(facts)).toEqual({ id, reason, suggestion });
  });
});
