/** Starts servers as child processes: spawn, handshake, and a diagnosis where either fails. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { diagnose, type StartFailure } from '../../domain/mcp-server/diagnosis.ts';
import type { McpServerSpec, StdioLaunch } from '../../domain/mcp-server/spec.ts';
import { RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { RpcRefusal } from '../../application/calls/ask.ts';
import { settlesWithin } from '../../application/settles-within.ts';
import type {
  StartOptions,
  UpstreamConnection,
  UpstreamLauncher,
} from '../../application/ports.ts';
import {
  spawnChild,
  type ChildProcess,
  type ChildDependencies,
  type ChildTimings,
} from '../launcher/child-process.ts';
import { redactor } from '../../domain/mcp-server/redactor.ts';
import { tellingLine } from '../../domain/mcp-server/start-hints.ts';
import { SpawnFailure } from '../launcher/spawn-failure.ts';
import { handshake, WrongEra } from './handshake.ts';
import { StdioConnection, type ConnectionLimits } from './stdio-connection.ts';

const STDERR_CHARS_MAX = 2_000;
const TELLING_LINE_CHARS_MAX = 300;

export interface StdioLauncherOptions {
  readonly child: ChildDependencies;
  readonly timings?: ChildTimings | undefined;
  readonly limits: ConnectionLimits;
  /** Name and version that servers are told where there is no client to name. */
  readonly clientInfo: JsonObject;
  /** Told of each process as soon as it runs. */
  readonly onChild?: (child: ChildProcess, connection: StdioConnection) => void;
}

export function stdioLauncher(options: StdioLauncherOptions): UpstreamLauncher {
  return {
    async start(spec, start) {
      const { launch } = spec;
      if (launch.kind !== 'stdio') {
        const reason = launch.kind === 'inactive' ? launch.reason : 'it is no local program';
        throw new Fault('MCP_SERVER_INACTIVE', reason);
      }
      const untilMs = performance.now() + spec.startupTimeoutMs;
      const tried = new Set<StartOptions['era']>();
      for (let { era } = start; ;) {
        tried.add(era);
        try {
          const timeoutMs = Math.max(1, untilMs - performance.now());
          return await attempt(spec, launch, { ...start, era, timeoutMs }, options);
        } catch (error) {
          // It speaks the other era, or ended over the question: once more, asked in that era.
          if (!(error instanceof WrongEra)) throw error;
          if (spec.era !== undefined) throw wrongEra(spec, spec.era, error);
          if (tried.has(error.era)) throw speaksNothing(spec, error);
          era = error.era;
        }
      }
    },
  };
}

function speaksNothing(spec: McpServerSpec, cause: WrongEra): Fault {
  const message = 'it answers neither "initialize" nor "server/discover"';
  return startFailed(
    spec,
    { kind: 'handshake-error', code: RPC.methodNotFound, message, stderrTail: '' },
    cause,
  );
}

/** `era` of the configuration is obeyed, not corrected. */
function wrongEra(spec: McpServerSpec, era: Era, cause: WrongEra): Fault {
  const asked = era === 'modern' ? 'server/discover' : 'initialize';
  const message = `it does not answer "${asked}", and "era: ${era}" allows nothing else`;
  return startFailed(spec, { kind: 'handshake-error', code: 0, message, stderrTail: '' }, cause);
}

interface Attempt extends StartOptions {
  readonly timeoutMs: number;
}

async function attempt(
  spec: McpServerSpec,
  launch: StdioLaunch,
  start: Attempt,
  options: StdioLauncherOptions,
): Promise<UpstreamConnection> {
  const child = await spawn(spec, launch, {
    ...options,
    child: {
      ...options.child,
      onStderr: (pid, record) => start.onStderr?.({ pid, ...record }),
    },
  });
  const connection = new StdioConnection(child, options.limits);
  options.onChild?.(child, connection);
  start.onHandshake?.();
  try {
    const greeting = await handshake(connection, {
      era: start.era,
      capabilities: start.capabilities,
      clientInfo: start.clientInfo ?? options.clientInfo,
      timeoutMs: start.timeoutMs,
      signal: start.signal,
    });
    connection.greeted(greeting);
  } catch (error) {
    // Whatever failed, the child goes; its exit says more than our timeout where it ended by itself.
    const hasEnded = await settlesWithin(child.exited, EXIT_SETTLE_MS);
    const exit = hasEnded ? await child.exited : undefined;
    // Fast also where it is only asked in the wrong era: waiting for a silent one would use up the time of the next try.
    await stopFast(child);
    if (error instanceof WrongEra) throw error;
    throw startFailed(spec, failureOf(error, { spec, child, connection, exit }));
  }
  connection.observe(start.observer);
  return connection;
}

/** A child that ended leaves its exit a moment after its pipes. */
const EXIT_SETTLE_MS = 20;

async function spawn(
  spec: McpServerSpec,
  launch: StdioLaunch,
  options: StdioLauncherOptions,
): Promise<ChildProcess> {
  try {
    return await spawnChild(launch, { ...options.child, secrets: spec.secrets }, options.timings);
  } catch (error) {
    if (!(error instanceof SpawnFailure)) throw error;
    const { code, command, path, foundAt, cwd } = error;
    throw startFailed(spec, { kind: 'spawn-failed', code, command, path, foundAt, cwd }, error);
  }
}

interface Evidence {
  readonly spec: McpServerSpec;
  readonly child: ChildProcess;
  readonly connection: StdioConnection;
  readonly exit: Awaited<ChildProcess['exited']> | undefined;
}

function failureOf(error: unknown, { spec, child, connection, exit }: Evidence): StartFailure {
  const stderrTail = child.stderr.tailText(STDERR_CHARS_MAX);
  const { noise } = connection;
  // Before it is shortened: half a secret would not be found.
  const stdoutNoise = noise === undefined ? undefined : redactor(spec.secrets)(noise);
  const said = { stderrTail, stdoutNoise };
  if (exit !== undefined)
    return { kind: 'exited', exitCode: exit.code, signal: exit.signal, ...said };
  if (error instanceof RpcRefusal) {
    return { kind: 'handshake-error', code: error.error.code, message: error.message, ...said };
  }
  if (error instanceof Fault && error.code !== 'CALL_TIMED_OUT') {
    return { kind: 'handshake-error', code: 0, message: error.message, ...said };
  }
  return { kind: 'timeout', timeoutMs: spec.startupTimeoutMs, ...said };
}

function startFailed(spec: McpServerSpec, failure: StartFailure, cause?: unknown): Fault {
  const { id, reason, suggestion } = diagnose(failure);
  const clean = redactor(spec.secrets);
  const stderr = 'stderrTail' in failure ? failure.stderrTail : '';
  const telling = tellingLine(stderr).slice(0, TELLING_LINE_CHARS_MAX);
  const said = telling === '' ? '' : ` (stderr: ${telling})`;
  const advice = suggestion === undefined ? '' : `; ${suggestion}`;
  const message = clean(`Cannot start MCP server "${spec.id}": ${reason}${said}${advice}`);
  const fix = suggestion === undefined ? undefined : clean(suggestion);
  return new Fault('MCP_SERVER_START_FAILED', message, {
    cause,
    data: {
      mcpServerId: spec.id,
      diagnosis: id,
      reason: clean(`${reason}${said}`),
      ...(stderr === '' ? {} : { stderr }),
      ...(failure.kind === 'exited' ? { exitCode: failure.exitCode } : {}),
      ...(fix === undefined ? {} : { fix }),
    },
  });
}

async function stopFast(child: ChildProcess): Promise<void> {
  child.kill();
  await child.stop();
}
