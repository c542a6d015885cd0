import fc from 'fast-check';
import { assert, expect, test } from 'vitest';
import { Admission, Line, type Ticket } from './admission.ts';

const drain = (admission: Admission<string>): readonly string[] => {
  const went: string[] = [];
  for (let next = admission.next(); next !== undefined; next = admission.next())
    went.push(next.subject);
  return went;
};

test('who comes while there is room runs, the rest waits and goes in order', () => {
  const admission = new Admission<string>(Number.POSITIVE_INFINITY);
  const line = new Line<string>(2);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => admission.enter(line, name));
  expect([a, b, c, d].map((ticket) => ticket?.state)).toEqual([
    'running',
    'running',
    'waiting',
    'waiting',
  ]);
  if (a !== undefined) admission.leave(a);
  expect(drain(admission)).toEqual(['c']);
});

test('a full line holds up nobody of another one, and takes nothing of the limit over all', () => {
  const admission = new Admission<string>(2);
  const [slow, quick] = [new Line<string>(1), new Line<string>(5)];
  admission.enter(slow, 'a');
  admission.enter(slow, 'b');
  admission.enter(slow, 'c');
  admission.enter(quick, 'd');
  expect(drain(admission)).toEqual(['d']);
  expect([slow.running, quick.running, admission.running]).toEqual([1, 1, 2]);
});

test('over all lines the one goes first that came first', () => {
  const admission = new Admission<string>(1);
  const [one, other] = [new Line<string>(9), new Line<string>(9)];
  let running = admission.enter(one, 'a');
  for (const [line, name] of [
    [other, 'b'],
    [one, 'c'],
    [other, 'd'],
  ] as const)
    admission.enter(line, name);
  const order: string[] = [];
  for (;;) {
    admission.leave(running);
    const next = admission.next();
    if (next === undefined) break;
    order.push(next.subject);
    running = next;
  }
  expect(order).toEqual(['b', 'c', 'd']);
});

test('who paused comes back before those who never ran, or goes on over the limit', () => {
  const admission = new Admission<string>(Number.POSITIVE_INFINITY);
  const line = new Line<string>(1);
  const first = admission.enter(line, 'first');
  admission.pause(first);
  const second = admission.enter(line, 'second');
  admission.enter(line, 'third');
  admission.comeBack(first);
  expect(line.length).toBe(2);
  admission.pause(second);
  expect(drain(admission)).toEqual(['first']);
  admission.resume(second);
  expect(line.running).toBe(2);
});

test('who goes on within its line has a place in both, or waits and holds none', () => {
  const admission = new Admission<string>(Number.POSITIVE_INFINITY);
  const [group, member, other] = [new Line<string>(2), new Line<string>(1), new Line<string>(9)];
  const [a, b] = [admission.enter(group, 'a'), admission.enter(group, 'b')];
  admission.goWithin(a, member);
  admission.goWithin(b, member);
  expect([a.state, b.state, group.running, member.running]).toEqual(['running', 'waiting', 1, 1]);
  // The place that it does not hold is another one's; when the member is free, the group is full.
  const c = admission.enter(group, 'c');
  expect(drain(admission)).toEqual(['c']);
  admission.goWithin(c, other);
  admission.enter(member, 'direct');
  expect([group.running, other.running, drain(admission)]).toEqual([2, 1, []]);
  admission.leave(a);
  expect(drain(admission)).toEqual(['b']);
  admission.leave(b);
  expect([group.running, drain(admission), member.running]).toEqual([1, ['direct'], 1]);
});

test('who is held up around its line lets those behind it go first', () => {
  const admission = new Admission<string>(Number.POSITIVE_INFINITY);
  const [group, member] = [new Line<string>(1), new Line<string>(1)];
  const direct = admission.enter(member, 'direct');
  admission.goWithin(admission.enter(group, 'held up'), member);
  admission.enter(group, 'holds it up');
  admission.enter(member, 'behind');
  expect(drain(admission)).toEqual(['holds it up']);
  admission.leave(direct);
  expect(drain(admission)).toEqual(['behind']);
});

test('who waits leaves at once', () => {
  const admission = new Admission<string>(1);
  const line = new Line<string>(1);
  const running = admission.enter(line, 'a');
  const waiting = admission.enter(line, 'b');
  admission.leave(waiting);
  expect([line.length, admission.hasWaiting]).toEqual([0, false]);
  admission.leave(running);
  admission.leave(running);
  expect([line.running, admission.running]).toEqual([0, 0]);
});

interface Step {
  readonly what: (typeof ACTIONS)[number];
  readonly line: number;
  readonly at: number;
}
const ACTIONS = ['enter', 'leave', 'pause', 'comeBack', 'resume', 'next', 'within', 'now'] as const;
const steps = fc.array(
  fc.record({ what: fc.constantFrom(...ACTIONS), line: fc.nat(2), at: fc.nat(40) }),
  { maxLength: 300 },
);

/** The same once more, so plainly that it can be read. */
class Model {
  readonly admission: Admission<number>;
  readonly lines: readonly Line<number>[];
  readonly tickets: Ticket<number>[] = [];
  /** Those that went on without asking for room. */
  readonly extra = new Set<Ticket<number>>();

  constructor(max: number, maxes: readonly number[]) {
    this.admission = new Admission(max);
    this.lines = maxes.map((most) => new Line<number>(most));
  }

  step({ what, line, at }: Step): void {
    const place = this.lines[line];
    const ticket = this.tickets[at % Math.max(1, this.tickets.length)];
    if (what === 'enter' && place !== undefined)
      this.tickets.push(this.admission.enter(place, this.tickets.length));
    else if (what === 'next') this.next();
    else if (what === 'within') this.goWithin(ticket, place);
    else if (what === 'now') this.enterNow(place, this.lines[at % this.lines.length]);
    else if (what !== 'enter' && ticket !== undefined) {
      if (what === 'resume' && ticket.state === 'paused') this.extra.add(ticket);
      this.admission[what](ticket);
    }
  }

  /** From the line of a group on to that of a member. */
  goWithin(ticket: Ticket<number> | undefined, line: Line<number> | undefined): void {
    if (ticket === undefined || line === undefined) return;
    if (ticket.state !== 'running' && ticket.state !== 'paused') return;
    if (line === (ticket.around ?? ticket.line)) return;
    this.admission.goWithin(ticket, line);
  }

  enterNow(around: Line<number> | undefined, line: Line<number> | undefined): void {
    if (around === undefined || line === undefined || around === line) return;
    const isFree = [around, line].every(({ isFull, length }) => !isFull && length === 0);
    const ticket = this.admission.enterNow(around, line, this.tickets.length);
    if (ticket === undefined) assert.isFalse(isFree && !this.admission.isFull);
    else this.tickets.push(ticket);
  }

  next(): void {
    const heads = this.lines.flatMap((line) => {
      if (line.isFull) return [];
      const inOrder = [...line.returning, ...line.waiting];
      const free = inOrder.find(({ around }) => around?.isFull !== true);
      return free === undefined ? [] : [free.order];
    });
    const expected = this.admission.isFull || heads.length === 0 ? undefined : Math.min(...heads);
    assert.equal(this.admission.next()?.order, expected);
  }

  check(): void {
    const running = this.tickets.filter(({ state }) => state === 'running');
    this.checkRoom(running, this.admission);
    for (const line of this.lines) {
      const ofLine = this.tickets.filter((ticket) => ticket.line === line);
      this.checkRoom(
        running.filter((ticket) => ticket.line === line || ticket.around === line),
        line,
      );
      assert.lengthOf(
        ofLine.filter(({ state }) => state === 'waiting'),
        line.length,
      );
    }
  }

  checkRoom(running: readonly Ticket<number>[], of: { max: number; running: number }): void {
    assert.equal(of.running, running.length);
    const asked = running.filter((ticket) => !this.extra.has(ticket));
    assert.isAtMost(asked.length, of.max);
  }

  /** Whoever runs ends, and whoever waits goes on, until nobody is left. */
  empty(): void {
    for (let left = this.tickets.length; left >= 0; left -= 1) {
      while (this.admission.next() !== undefined);
      for (const ticket of this.tickets)
        if (ticket.state !== 'waiting') this.admission.leave(ticket);
    }
  }
}

test('whatever happens in whatever order, limits hold, lines go in order, and no place is lost', () => {
  const max = fc.integer({ min: 1, max: 6 });
  const maxes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(max, maxes, steps, (most, mostOfLines, all) => {
      const model = new Model(most, mostOfLines);
      for (const step of all) {
        model.step(step);
        model.check();
      }
      model.empty();
      expect(model.tickets.every(({ state }) => state === 'over')).toBe(true);
      expect([model.admission.running, model.admission.hasWaiting]).toEqual([0, false]);
    }),
  );
});
