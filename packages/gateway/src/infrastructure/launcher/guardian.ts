/**
 * One small process beside the gateway that ends the gateway's children when the gateway dies,
 * however it dies. It reads `+GROUP` and `-GROUP` lines on stdin and, at end of file, ends every
 * group still held. The kernel closes the gateway's end of that pipe even on `kill -9`.
 *
 * States: not running -> running -> not running (died: started again at once while groups are held)
 *         -> disposed.
 * Invariants:
 * 1. A running guardian holds exactly the groups in `#groups`.
 * 2. No child inherits the writing end (Node opens it close-on-exec), or end of file would not come.
 * 3. It never keeps the gateway alive: process and pipe are unreferenced until disposal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { Socket } from 'node:net';
import { signalGroup } from './process-group.ts';

/** Between SIGTERM and SIGKILL, in steps of 0.1 s. */
const TERM_STEPS = 8;
/** Disposal waits this long for the guardian to end what it holds, then kills it. */
const EXIT_MS = 3_000;
/** A guardian that dies younger than this counts as a failed start. */
const HEALTHY_MS = 1_000;
/** After so many failed starts in a row only the next child starts it again. */
const FAILED_STARTS_MAX = 5;

/**
 * For dash, bash and busybox. `kill -NAME -GROUP` is the one spelling that all three take: busybox
 * knows no `--`.
 * A `sleep` without fractions (POSIX asks for none) falls back to one whole second.
 */
const SHELL_SCRIPT = `
trap '' INT TERM HUP QUIT USR1 USR2
held=' '
while read -r line; do
  group=\${line#?}
  case $line in
    +*) held="$held$group " ;;
    -*) case $held in *" $group "*) held="\${held%% $group *} \${held#* $group }" ;; esac ;;
  esac
done
signal() {
  found=1
  for group in $held; do kill "-$1" "-$group" 2>/dev/null && found=0; done
  return $found
}
signal TERM || exit 0
step=0
while [ $step -lt ${TERM_STEPS} ] && signal 0; do
  sleep 0.1 2>/dev/null || { sleep 1; step=${TERM_STEPS}; }
  step=$((step + 1))
done
signal KILL
exit 0
`;

/** The same protocol for images without a shell, at 40 times the memory. */
const NODE_SCRIPT = `
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) process.on(name, () => {});
const held = new Set();
let rest = '';
const signal = (name) => [...held].filter((group) => {
  try { process.kill(-group, name); return true; } catch { return false; }
}).length > 0;
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) held[line[0] === '+' ? 'add' : 'delete'](Number(line.slice(1)));
});
process.stdin.on('error', () => {});
process.stdin.on('close', () => {
  if (!signal('SIGTERM')) return;
  let step = 0;
  const timer = setInterval(() => {
    if (++step < ${TERM_STEPS} && signal(0)) return;
    clearInterval(timer);
    signal('SIGKILL');
  }, 100);
});
`;

export interface Guardian extends AsyncDisposable {
  /** The process id of the running guardian. */
  readonly pid: number | undefined;
  /** Starts the guardian unless it runs: called before a child starts, so that none is unguarded. */
  start(): void;
  /** From now on the group ends with the gateway. */
  hold(group: number): void;
  /** The group is empty: its id may soon belong to somebody else. */
  release(group: number): void;
}

export interface GuardianOptions {
  /** The PATH on which the script finds `sleep`. */
  readonly path?: string | undefined;
  /** The shell that runs the script; Node runs it where this file is missing. */
  readonly shell?: string;
  /** Told why children are not guarded at the moment. */
  readonly onProblem?: (problem: string) => void;
}

class GuardianProcess implements Guardian {
  readonly #options: GuardianOptions;
  readonly #groups = new Set<number>();
  #running: { readonly process: ChildProcess; readonly pipe: Socket } | undefined;
  #failedStarts = 0;
  #isDisposed = false;

  constructor(options: GuardianOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#running?.process.pid;
  }

  start(): void {
    if (this.#running !== undefined || this.#isDisposed) return;
    const startedAtMs = performance.now();
    const died = (problem: string): void => {
      this.#running = undefined;
      this.#afterDeath(performance.now() - startedAtMs, problem);
    };
    const child = this.#spawn();
    if (child instanceof Error) {
      this.#options.onProblem?.(notGuarded(child.message));
      return;
    }
    child.once('error', (error) => died(error.message));
    child.once('exit', (code, signal) => died(`it ended with ${signal ?? `code ${code}`}`));
    const pipe = child.stdin;
    if (child.pid === undefined || !(pipe instanceof Socket)) return;
    // Writing to a guardian that has just died: its exit event starts the next one.
    pipe.on('error', () => undefined);
    child.unref();
    pipe.unref();
    this.#running = { process: child, pipe };
    for (const group of this.#groups) pipe.write(`+${group}\n`);
  }

  hold(group: number): void {
    this.#groups.add(group);
    if (this.#running === undefined) this.start();
    else this.#running.pipe.write(`+${group}\n`);
  }

  release(group: number): void {
    if (this.#groups.delete(group)) this.#running?.pipe.write(`-${group}\n`);
  }

  /** Ends what is still held and waits until the guardian itself is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const running = this.#running;
    if (running === undefined) return;
    running.process.ref();
    const exited = new Promise<void>((resolve) => running.process.once('exit', () => resolve()));
    const timer = setTimeout(() => running.process.kill('SIGKILL'), EXIT_MS);
    running.pipe.end();
    await exited;
    clearTimeout(timer);
    running.pipe.destroy();
    if (running.process.exitCode === 0) return;
    // It was killed before it had done its work.
    for (const group of this.#groups) signalGroup(group, 'SIGKILL');
  }

  /** Without memory or process slots a spawn fails, at once or later: children must start all the same. */
  #spawn(): ChildProcess | Error {
    const shell = this.#options.shell ?? '/bin/sh';
    const [file, args] = isExecutable(shell)
      ? [shell, ['-c', SHELL_SCRIPT, 'mcp-hangar-guardian']]
      : [process.execPath, ['-e', NODE_SCRIPT]];
    const path = [this.#options.path, '/usr/bin', '/bin'].filter(Boolean).join(':');
    try {
      return spawn(file, args, {
        // Its own session: neither Ctrl-C nor a closed terminal reaches it.
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        cwd: '/',
        env: { PATH: path },
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #afterDeath(ageMs: number, problem: string): void {
    if (this.#isDisposed) return;
    this.#failedStarts = ageMs < HEALTHY_MS ? this.#failedStarts + 1 : 0;
    this.#options.onProblem?.(notGuarded(problem));
    if (this.#groups.size > 0 && this.#failedStarts < FAILED_STARTS_MAX) this.start();
  }
}

/**
 * Windows has no process groups to hold, and killing a tree from outside (`taskkill /t`) needs the
 * dead parent's record; a job object would do it, but Node cannot make one. There a killed gateway
 * leaves children that end themselves when their stdin closes.
 */
class NoGuardian implements Guardian {
  readonly pid = undefined;
  start(): void {}
  hold(): void {}
  release(): void {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** One guardian for one gateway; its process starts with the first child. */
export const createGuardian = (options: GuardianOptions = {}): Guardian =>
  process.platform === 'win32' ? new NoGuardian() : new GuardianProcess(options);

const notGuarded = (problem: string): string => `Child processes have no guardian: ${problem}`;

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
