/** Appends on their way into the log: those that wait, in order, and the group that is being written. */
import type { Appended } from '@mcp-hangar/kernel/event-store';
import type { EncodedAppend } from './encoded-append.ts';

/** One group is one message, one transaction, and one turn of the worker. */
const GROUP_EVENTS_MAX = 1_024;
const GROUP_CHARS_MAX = 4_194_304;

export interface WaitingAppend {
  readonly append: EncodedAppend;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

export interface QueueLimits {
  readonly eventsMax: number;
  readonly charsMax: number;
}

export class AppendQueue<W extends WaitingAppend = WaitingAppend> {
  readonly #limits: QueueLimits;
  #waiting: W[] = [];
  #group: readonly W[] = [];
  #eventsCount = 0;
  #chars = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Nothing waits and nothing is being written. */
  get isEmpty(): boolean {
    return this.#eventsCount === 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get isWriting(): boolean {
    return this.#group.length > 0;
  }

  /** Whether there was room. An empty queue has room for any append, so that each can be stored at some time. */
  push(waiting: W): boolean {
    const { chars, events } = waiting.append;
    const eventsCount = events.length;
    const hasRoom =
      this.#eventsCount + eventsCount <= this.#limits.eventsMax &&
      this.#chars + chars <= this.#limits.charsMax;
    if (!hasRoom && !this.isEmpty) return false;
    this.#waiting.push(waiting);
    this.#eventsCount += eventsCount;
    this.#chars += chars;
    return true;
  }

  /** The next group, which is then being written; at least one append where some wait. */
  takeGroup(): readonly EncodedAppend[] {
    let [count, eventsCount, chars] = [0, 0, 0];
    for (const entry of this.#waiting) {
      eventsCount += entry.append.events.length;
      chars += entry.append.chars;
      if (count > 0 && (eventsCount > GROUP_EVENTS_MAX || chars > GROUP_CHARS_MAX)) break;
      count += 1;
    }
    this.#group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return this.#group.map(({ append }) => append);
  }

  /** The group that was being written: it is over, whatever came of it. */
  finishGroup(): readonly W[] {
    const group = this.#group;
    this.#group = [];
    this.#release(group);
    return group;
  }

  /** Those that wait, all unless told which: they are not going to be written. */
  giveUpWaiting(isOver: (waiting: W) => boolean = () => true): readonly W[] {
    const over = this.#waiting.filter(isOver);
    this.#waiting = this.#waiting.filter((waiting) => !isOver(waiting));
    this.#release(over);
    return over;
  }

  #release(entries: readonly WaitingAppend[]): void {
    for (const { append } of entries) {
      this.#eventsCount -= append.events.length;
      this.#chars -= append.chars;
    }
  }
}
