/**
 * One child process with its process group.
 *
 * States: running -> exited (the leader is gone) -> ended (the group is empty, every fd closed).
 * Invariants:
 * 1. stderr is read from the first byte to the last, whoever else listens: a full pipe stops a child.
 * 2. `exited` follows the leader's exit, not the end of its pipes: a grandchild may hold them for ever.
 * 3. However the leader ends, the rest of its group is ended and all three pipes are destroyed.
 * 4. The guardian holds the group from the moment it exists until it is empty.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Secret } from '@mcp-hangar/kernel/secret';
import type { StdioLaunch } from '../../domain/mcp-server/spec.ts';
import { childEnvironment } from './child-environment.ts';
import type { Guardian } from './guardian.ts';
import { endGroup, signalGroup } from './process-group.ts';
import { type ResolvedCommand, resolveCommand } from './resolve-command.ts';
import { settlesWithin } from '../../application/settles-within.ts';
import { explainFailure } from './spawn-failure.ts';
import { StderrBuffer, type StderrRecord } from './stderr-buffer.ts';

export interface ChildDependencies {
  /** The gateway's own environment; only its allow-listed part reaches the child. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly guardian: Guardian;
  /** Beside the values of the launch's `env`, what stderr may not show. */
  readonly secrets?: readonly Secret[];
  readonly clock?: { nowMs(): number };
  /** Told of every line on stderr. */
  readonly onStderr?: ((pid: number, record: StderrRecord) => void) | undefined;
}

export interface ChildTimings {
  /** From closing stdin to SIGTERM. */
  readonly stdinCloseMs?: number;
  /** From SIGTERM to SIGKILL. */
  readonly termMs?: number;
  /** From the leader's exit to destroying stdout and stderr that a grandchild still holds. */
  readonly drainMs?: number;
}

export const DEFAULT_TIMINGS = { stdinCloseMs: 2_000, termMs: 5_000, drainMs: 30 };
/** A leader that outlives SIGKILL by this hangs in the kernel: `stop` gives up waiting for it. */
const KILL_MS = 2_000;

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildProcess {
  /** Also the id of the process group. */
  readonly pid: number;
  /** What really runs. */
  readonly command: ResolvedCommand;
  /** Writing after the child is gone does nothing; it never throws and emits no unhandled error. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: StderrBuffer;
  /** Settles once; never rejects. */
  readonly exited: Promise<ChildExit>;
  /**
   * Closes stdin, then SIGTERM, then SIGKILL, each to the whole group; resolves when nothing of the
   * child is left. Never rejects. Calling it again returns the same promise.
   */
  stop(): Promise<void>;
  /** SIGKILL to the whole group, at once. */
  kill(): void;
}

type Leader = ChildProcessWithoutNullStreams & { readonly pid: number };

interface LeaderParts {
  readonly command: ResolvedCommand;
  readonly guardian: Guardian;
  readonly timings: Required<ChildTimings>;
  readonly stderr: StderrBuffer;
}

class GuardedChild implements ChildProcess {
  readonly pid: number;
  readonly command: ResolvedCommand;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: StderrBuffer;
  readonly exited: Promise<ChildExit>;
  readonly #leader: Leader;
  readonly #guardian: Guardian;
  readonly #timings: Required<ChildTimings>;
  readonly #ended: Promise<void>;
  #stopping: Promise<void> | undefined;

  /** Must run in the same turn as the spawn: an exit or a byte before that would be lost. */
  constructor(leader: Leader, parts: LeaderParts) {
    this.#leader = leader;
    this.#guardian = parts.guardian;
    this.#timings = parts.timings;
    this.pid = leader.pid;
    this.command = parts.command;
    this.stdin = leader.stdin;
    this.stdout = leader.stdout;
    this.stderr = parts.stderr;
    this.#guardian.hold(leader.pid);
    leader.stderr.on('data', (chunk: Buffer) => this.stderr.write(chunk));
    // A child that is gone answers writes with EPIPE: news of its exit, not an error of ours.
    for (const emitter of [leader, leader.stdin, leader.stdout, leader.stderr]) {
      emitter.on('error', () => undefined);
    }
    const left = new Promise<ChildExit>((resolve) =>
      leader.once('exit', (code, signal) => resolve({ code, signal })),
    );
    const closed = new Promise<void>((resolve) => leader.once('close', () => resolve()));
    this.exited = left.then((exit) => this.#drain(exit, closed));
    this.#ended = this.#end(left, closed);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    // After the leader's exit the group is ended anyway, and its id may soon be somebody else's.
    if (this.#isRunning()) signalGroup(this.pid, signal);
  }

  #isRunning(): boolean {
    return this.#leader.exitCode === null && this.#leader.signalCode === null;
  }

  async #stop(): Promise<void> {
    if (this.#isRunning() && !(await this.#leave())) return;
    await this.#ended;
  }

  /** Answers whether the leader is gone. */
  async #leave(): Promise<boolean> {
    this.stdin.end();
    if (await settlesWithin(this.exited, this.#timings.stdinCloseMs)) return true;
    this.#signal('SIGTERM');
    if (await settlesWithin(this.exited, this.#timings.termMs)) return true;
    this.#signal('SIGKILL');
    return settlesWithin(this.exited, KILL_MS);
  }

  /** What the child wrote before it died is still read, unless somebody keeps the pipe open. */
  async #drain(exit: ChildExit, closed: Promise<void>): Promise<ChildExit> {
    await settlesWithin(closed, this.#timings.drainMs);
    for (const stream of [this.stdin, this.stdout, this.#leader.stderr]) stream.destroy();
    this.stderr.end();
    return exit;
  }

  async #end(left: Promise<ChildExit>, closed: Promise<void>): Promise<void> {
    await left;
    await endGroup(this.pid);
    this.#guardian.release(this.pid);
    await this.exited;
    await closed;
  }
}

/**
 * Starts the command of a launch as the leader of its own process group, without a shell.
 * Rejects with `SpawnFailure` when there is no process to speak of.
 */
export const spawnChild = async (
  launch: StdioLaunch,
  deps: ChildDependencies,
  timings: ChildTimings = {},
): Promise<ChildProcess> => {
  const env = childEnvironment(deps.env, launch.env);
  const command = await resolveCommand(launch, { env, cwd: launch.cwd });
  // Before the child, so that there is no moment in which it has no guard.
  deps.guardian.start();
  try {
    const leader = spawnLeader(command, env, launch.cwd);
    if (!isStarted(leader)) throw await spawnError(leader);
    const stderr = new StderrBuffer({
      nowMs: () => (deps.clock === undefined ? Date.now() : deps.clock.nowMs()),
      secrets: [...Object.values(launch.env), ...(deps.secrets ?? [])],
      onRecord: (record) => deps.onStderr?.(leader.pid, record),
    });
    return new GuardedChild(leader, {
      command,
      guardian: deps.guardian,
      stderr,
      timings: { ...DEFAULT_TIMINGS, ...timings },
    });
  } catch (cause) {
    throw await explainFailure({ launch, env, command, cause });
  }
};

const spawnLeader = (
  command: ResolvedCommand,
  env: Readonly<Record<string, string>>,
  cwd: string | undefined,
): ChildProcessWithoutNullStreams =>
  spawn(command.file, command.args, {
    cwd,
    env,
    stdio: 'pipe',
    shell: false,
    windowsHide: true,
    // Leads its own session and group; on Windows it would open a console window instead.
    detached: process.platform !== 'win32',
  });

const isStarted = (child: ChildProcessWithoutNullStreams): child is Leader =>
  child.pid !== undefined;

/** Node reports a failed spawn in the next turn, once. */
const spawnError = (child: ChildProcessWithoutNullStreams): Promise<Error> =>
  new Promise((resolve) => child.once('error', resolve));
