/**
 * Which task is whose, and where it runs. Servers give the ids, and a client is sent to no other task than its own.
 *
 * Invariants
 * 1. A task is found by its owner alone, and only on the server that named it.
 * 2. An id that two servers gave to one client is answered to neither: nothing is guessed.
 * 3. A child is kept running for a task at most until the task is over, `PINNED_MS_MAX` have passed, or its owner is gone.
 */
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import { splice } from '../../domain/protocol/json-spans.ts';
import {
  readServerLine,
  SERVER_SLOT,
  type ServerMessage,
} from '../../domain/protocol/server-message.ts';
import { describedTask, type DescribedTask } from '../../domain/protocol/tasks.ts';
import { paramsIn } from '../calls/ask.ts';
import type { Clock } from '../ports.ts';
import type { Child, Owner, ServerNotification } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';

/** Tasks of one owner that are remembered; the oldest go first. */
const OWN_TASKS_MAX = 1_024;
const TASKS_MAX = 16_384;
/** A server may keep a task without limit; it is remembered for a day. */
const KEPT_MS_MAX = 86_400_000;
/** Servers are not exact about the end of a task. */
const KEPT_LONGER_MS = 60_000;
/** A child is not kept from its rest longer than this, whatever its task says. */
const PINNED_MS_MAX = 3_600_000;
const SWEEP_MS = 15_000;
/** What a server says of a task is read up to here. */
export const TASK_BYTES_MAX = 262_144;

const TASK_STATUS = 'notifications/tasks/status';

/** Whose task, and where it was made. */
export interface TaskOrigin {
  readonly asker: Asker;
  readonly owner: Owner;
  readonly server: McpServer;
  readonly child: Child;
  /** By which progress of the task is known, and the client's token for it; undefined where nobody asked for any. */
  readonly progress?: TaskProgress | undefined;
}

interface TaskProgress {
  /** Of the call that made the task, on the connection of the child. */
  readonly callId: number;
  /** The client's, as it wrote it, one byte a character. */
  readonly token: string;
}

export interface Task {
  readonly taskId: string;
  /** Of all tasks that are remembered: a later one has a higher number. */
  readonly number: number;
  readonly server: McpServer;
  /** The child that has it; undefined where any connection to the server will do, and once it has ended. */
  readonly child: Child | undefined;
  /** The child that had it is gone. */
  readonly hasEnded: boolean;
  /** How long its result can be waited for. */
  readonly untilMs: number;
}

export type FoundTask =
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'unknown' };

class KnownTask implements Task {
  readonly taskId: string;
  readonly number: number;
  readonly ownerKey: string;
  readonly owner: Owner;
  readonly server: McpServer;
  readonly untilMs: number;
  readonly keptUntilMs: number;
  child: Child | undefined;
  hasEnded = false;
  readonly #progress: TaskProgress | undefined;
  #isPinned = false;

  constructor(number: number, task: DescribedTask, origin: TaskOrigin, nowMs: number) {
    const { child } = origin;
    this.taskId = task.taskId;
    this.number = number;
    this.ownerKey = keyOf(origin.asker);
    this.owner = origin.owner;
    this.#progress = origin.progress;
    this.server = origin.server;
    const ttlMs = Math.min(task.ttlMs ?? KEPT_MS_MAX, KEPT_MS_MAX);
    this.keptUntilMs = nowMs + ttlMs + KEPT_LONGER_MS;
    this.untilMs = nowMs + Math.min(ttlMs, PINNED_MS_MAX);
    // A remote server of the modern era knows nothing of connections: it has its tasks without ours.
    if (child.seat.era === 'modern' && child.connection.pid === undefined) return;
    this.child = child;
    this.#isPinned = true;
    child.tasks += 1;
    if (child.isLentByCall) child.spoiled = true; // it works on for this client
    this.#hearProgress((message) => this.#passOn(child, message));
  }

  unpin(): void {
    if (this.#isPinned && this.child !== undefined) this.child.tasks -= 1;
    this.#isPinned = false;
    this.#hearProgress(undefined);
  }

  #hearProgress(listener: ((message: ServerMessage) => void) | undefined): void {
    if (this.#progress === undefined) return;
    this.child?.connection.hearProgress?.(this.#progress.callId, listener);
  }

  #passOn(child: Child, { line }: ServerMessage): void {
    const token = this.#progress?.token ?? '';
    const edit = { slot: SERVER_SLOT.progressToken, text: token };
    const message = readServerLine(splice(line.text, line.spans, [edit]));
    if (message?.kind === 'notification') this.owner.serverNotification(child, message);
  }

  /** Lets go of a child that is gone. */
  look(nowMs: number): void {
    if (nowMs >= this.untilMs) this.unpin();
    if (this.child?.isGone !== true) return;
    this.unpin();
    this.child = undefined;
    this.hasEnded = true;
  }
}

export class TaskTable {
  readonly #clock: Clock;
  /** An id is unique on its server only. */
  readonly #byId = new Map<string, readonly KnownTask[]>();
  readonly #byOwner = new Map<string, Set<KnownTask>>();
  /** Oldest first. */
  readonly #all = new Set<KnownTask>();
  #lastNumber = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A server has made a task for a client. */
  remember(described: DescribedTask, origin: TaskOrigin): void {
    this.#lastNumber += 1;
    const task = new KnownTask(this.#lastNumber, described, origin, this.#clock.nowMs());
    for (const other of this.#byId.get(task.taskId) ?? []) {
      // Whatever had the id there is not known under it any more.
      const isReplaced = other.child === task.child || other.child?.isGone !== false;
      if (other.ownerKey === task.ownerKey && other.server === task.server && isReplaced)
        this.#drop(other);
    }
    const own = this.#byOwner.get(task.ownerKey) ?? new Set<KnownTask>();
    this.#byOwner.set(task.ownerKey, own.add(task));
    this.#byId.set(task.taskId, [...(this.#byId.get(task.taskId) ?? []), task]);
    this.#all.add(task);
    if (described.isOver) task.unpin();
    this.#makeRoom(own, OWN_TASKS_MAX);
    this.#makeRoom(this.#all, TASKS_MAX);
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** The task that a client means, on any of `servers`. */
  find(asker: Asker, upstreams: readonly Upstream[], taskId: string): FoundTask {
    const key = keyOf(asker);
    const servers = upstreams.flatMap(({ members }) => members);
    const named = this.#current(this.#byId.get(taskId) ?? []);
    // What became of the task of a server that was replaced or removed is said all the same.
    const isThere = (server: McpServer): boolean => server.isRetired || servers.includes(server);
    const own = named.filter(({ ownerKey, server }) => ownerKey === key && isThere(server));
    const running = own.filter(({ hasEnded }) => !hasEnded);
    const meant = running.length === 0 ? own.slice(-1) : running;
    const [task] = meant;
    if (task === undefined) return { kind: 'unknown' };
    return meant.length > 1 ? { kind: 'ambiguous' } : { kind: 'task', task };
  }

  /** Whether a task of this server has that id and is another client's. */
  isForeign(asker: Asker, { members }: Upstream, taskId: string): boolean {
    const key = keyOf(asker);
    const named = this.#byId.get(taskId) ?? [];
    return named.some((task) => members.includes(task.server) && task.ownerKey !== key);
  }

  /** The tasks of a client, oldest first. */
  of(asker: Asker): readonly Task[] {
    return this.#current(this.#byOwner.get(keyOf(asker)) ?? []);
  }

  /** Its child need not be kept for it any more. */
  over({ number, taskId }: Task): void {
    this.#byId
      .get(taskId)
      ?.find((task) => task.number === number)
      ?.unpin();
  }

  /** A server says how a task of some client stands: that client hears of it, and nobody else. */
  changed(child: Child, notification: ServerNotification): void {
    if (notification.method !== TASK_STATUS) return;
    const task = this.#namedBy(child, notification);
    const owner = task === undefined ? child.owner : task.owner;
    owner?.serverNotification(child, notification);
  }

  /** The client is gone, and what was remembered for it. */
  release(asker: Pick<Asker, 'era' | 'owner'>): void {
    for (const task of this.#byOwner.get(keyOf(asker)) ?? []) this.#drop(task);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const task of this.#all) this.#drop(task);
  }

  #namedBy(child: Child, { line }: ServerNotification): KnownTask | undefined {
    if (line.text.length > TASK_BYTES_MAX) return undefined;
    const described = describedTask(paramsIn(line), child.seat.era);
    const named = this.#byId.get(described?.taskId ?? '') ?? [];
    return named.find((task) => task.child === child);
  }

  #makeRoom(tasks: ReadonlySet<KnownTask>, max: number): void {
    for (const oldest of tasks) {
      if (tasks.size <= max) return;
      this.#drop(oldest);
    }
  }

  #drop(task: KnownTask): void {
    task.unpin();
    this.#all.delete(task);
    const own = this.#byOwner.get(task.ownerKey);
    own?.delete(task);
    if (own?.size === 0) this.#byOwner.delete(task.ownerKey);
    const others = (this.#byId.get(task.taskId) ?? []).filter((other) => other !== task);
    if (others.length === 0) this.#byId.delete(task.taskId);
    else this.#byId.set(task.taskId, others);
  }

  /** Those that are kept; what has ended since lets go of its child. */
  #current(tasks: Iterable<KnownTask>): readonly KnownTask[] {
    const nowMs = this.#clock.nowMs();
    return [...tasks].filter((task) => {
      task.look(nowMs);
      const isKept = nowMs < task.keptUntilMs;
      if (!isKept) this.#drop(task);
      return isKept;
    });
  }

  #sweep(): void {
    this.#current(this.#all);
    if (this.#all.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const keyOf = ({ era, owner }: Pick<Asker, 'era' | 'owner'>): string => `${era} ${owner}`;
