import { SlotMap } from '@mcp-hangar/kernel/slot-map';

/**
 * Who may run now and who waits: a line for each server, each with a limit of its own, and one limit over all.
 *
 * Invariants
 * 1. No more of a line run than its `max`, and no more of all than `max`; only who had a place and comes back to it
 *    (`resume`) may be one too many.
 * 2. Of those whose line has room the one goes first that came first. Nobody goes before another one of its line, but
 *    before one that a line around it holds up.
 * 3. The limit of all, that of the line and that of a line around it are taken together: whoever waits for one holds
 *    nothing of the others.
 */
export class Admission<T> {
  /** Infinite where there is no limit. */
  max: number;
  #running = 0;
  #nextOrder = 1;
  /** Lines in which somebody waits. */
  readonly #lines = new Set<Line<T>>();

  constructor(max: number) {
    this.max = max;
  }

  get running(): number {
    return this.#running;
  }

  /** Somebody waits: who comes now may not go before. */
  get hasWaiting(): boolean {
    return this.#lines.size > 0;
  }

  get isFull(): boolean {
    return this.#running >= this.max;
  }

  /** A place in the line for somebody who comes: it runs at once where nobody waits and there is room. */
  enter(line: Line<T>, subject: T): Ticket<T> {
    const ticket = new Ticket(line, subject, this.#nextOrder++);
    if (this.#lines.size === 0 && !this.isFull && !line.isFull) this.#run(ticket);
    else this.#wait(ticket, line.waiting);
    return ticket;
  }

  /** A place in both lines for somebody who waits for none; undefined where there is no room, or others wait. */
  enterNow(around: Line<T>, line: Line<T>, subject: T): Ticket<T> | undefined {
    if (this.isFull || !around.isOpen || !line.isOpen) return undefined;
    const ticket = new Ticket(line, subject, this.#nextOrder++);
    ticket.around = around;
    this.#run(ticket);
    return ticket;
  }

  /**
   * What has a place in a line goes on to a line within that: at once where nobody is before it there, else it waits
   * and holds nothing. One that is paused comes back there.
   */
  goWithin(ticket: Ticket<T>, line: Line<T>): void {
    const wasRunning = ticket.state === 'running';
    if (wasRunning) this.#stop(ticket);
    ticket.around ??= ticket.line;
    ticket.line = line;
    if (!wasRunning) return;
    if (line.isOpen) this.#run(ticket);
    else this.#wait(ticket, line.waiting);
  }

  /** It waits for something else and holds no place meanwhile. */
  pause(ticket: Ticket<T>): void {
    if (ticket.state !== 'running') return;
    this.#stop(ticket);
    ticket.state = 'paused';
  }

  /** It wants its place back, before those who never had one. */
  comeBack(ticket: Ticket<T>): void {
    if (ticket.state === 'paused') this.#wait(ticket, ticket.line.returning);
  }

  /** Its work goes on whether there is room or not. */
  resume(ticket: Ticket<T>): void {
    if (ticket.state === 'paused') this.#run(ticket);
  }

  /** It is over, whatever it did. */
  leave(ticket: Ticket<T>): void {
    if (ticket.state === 'running') this.#stop(ticket);
    else if (ticket.state === 'waiting') this.#forget(ticket);
    ticket.state = 'over';
  }

  /** Whose turn it is: it runs from now on. Undefined where nobody can. */
  next(): Ticket<T> | undefined {
    if (this.isFull) return undefined;
    let first: Ticket<T> | undefined;
    for (const line of this.#lines) {
      const head = line.isFull ? undefined : line.firstFree();
      if (head !== undefined && (first === undefined || head.order < first.order)) first = head;
    }
    if (first === undefined) return undefined;
    this.#forget(first);
    this.#run(first);
    return first;
  }

  #wait(ticket: Ticket<T>, queue: SlotMap<Ticket<T>>): void {
    ticket.state = 'waiting';
    ticket.queue = queue;
    ticket.place = queue.insert(ticket);
    this.#lines.add(ticket.line);
  }

  #forget(ticket: Ticket<T>): void {
    const { line } = ticket;
    ticket.queue?.remove(ticket.place);
    ticket.queue = undefined;
    if (line.head === undefined) this.#lines.delete(line);
  }

  #run(ticket: Ticket<T>): void {
    ticket.state = 'running';
    ticket.line.running += 1;
    if (ticket.around !== undefined) ticket.around.running += 1;
    this.#running += 1;
  }

  #stop(ticket: Ticket<T>): void {
    ticket.line.running -= 1;
    if (ticket.around !== undefined) ticket.around.running -= 1;
    this.#running -= 1;
  }
}

export class Line<T> {
  /** Infinite where there is no limit. */
  max: number;
  running = 0;
  /** In the order in which they came. Who comes back came before all who never had a place. */
  readonly waiting = new SlotMap<Ticket<T>>();
  readonly returning = new SlotMap<Ticket<T>>();

  constructor(max: number) {
    this.max = max;
  }

  get isFull(): boolean {
    return this.running >= this.max;
  }

  /** Who comes now has nobody before it. */
  get isOpen(): boolean {
    return !this.isFull && this.length === 0;
  }

  get length(): number {
    return this.returning.size + this.waiting.size;
  }

  get head(): Ticket<T> | undefined {
    return this.returning.first ?? this.waiting.first;
  }

  /** The first that no line around this one holds up. */
  firstFree(): Ticket<T> | undefined {
    const isFree = ({ around }: Ticket<T>): boolean => around?.isFull !== true;
    const { head } = this;
    if (head === undefined || isFree(head)) return head;
    return [...this.returning, ...this.waiting].find(isFree);
  }
}

export class Ticket<T> {
  /** Whose place it wants, or has. */
  line: Line<T>;
  /** Counts it, too: that of a group, where `line` is that of a member. */
  around: Line<T> | undefined;
  readonly subject: T;
  /** Counted over all lines. */
  readonly order: number;
  state: 'waiting' | 'running' | 'paused' | 'over' = 'waiting';
  /** Where it waits, and its number there. */
  queue: SlotMap<Ticket<T>> | undefined;
  place = 0;

  constructor(line: Line<T>, subject: T, order: number) {
    this.line = line;
    this.subject = subject;
    this.order = order;
  }
}
