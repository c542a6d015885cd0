import fc from 'fast-check';
import { expect, test } from 'vitest';
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

const ACTIONS = ['enter', 'leave', 'pause', 'comeBack', 'resume', 'next'] as const;
const steps = fc.array(
  fc.record({ what: fc.constantFrom(...ACTIONS), line: fc.nat(2), at: fc.nat(40) }),
  { maxLength: 300 },
);

test('whatever happens in whatever order, limits hold, lines go in order, and no place is lost', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
      steps,
      (max, maxes, all) => {
        const admission = new Admission<number>(max);
        const lines = maxes.map((most) => new Line<number>(most));
        const tickets: Ticket<number>[] = [];
        const late = new Set<Ticket<number>>();
        for (const { what, line, at } of all) {
          const place = lines[line] ?? lines[0];
          const ticket = tickets[at % Math.max(1, tickets.length)];
          if (what === 'enter' && place !== undefined) {
            tickets.push(admission.enter(place, tickets.length));
          } else if (what === 'next') {
            const heads = lines.flatMap((each) =>
              each.isFull || each.head === undefined ? [] : [each.head.order],
            );
            const full = admission.isFull;
            const next = admission.next();
            expect(next?.order).toBe(full || heads.length === 0 ? undefined : Math.min(...heads));
          } else if (ticket !== undefined) {
            if (what === 'resume' && ticket.state === 'paused') late.add(ticket);
            if (what === 'leave') admission.leave(ticket);
            else if (what === 'pause') admission.pause(ticket);
            else if (what === 'comeBack') admission.comeBack(ticket);
            else if (what === 'resume') admission.resume(ticket);
          }
          const running = tickets.filter(({ state }) => state === 'running');
          expect(admission.running).toBe(running.length);
          const extra = running.filter((each) => late.has(each)).length;
          expect(running.length).toBeLessThanOrEqual(max + extra);
          for (const each of lines) {
            const here = running.filter((run) => run.line === each);
            expect(each.running).toBe(here.length);
            const more = here.filter((run) => late.has(run)).length;
            expect(here.length).toBeLessThanOrEqual(each.max + more);
            const waiting = tickets.filter(
              ({ line: of, state }) => of === each && state === 'waiting',
            );
            expect(each.length).toBe(waiting.length);
          }
        }
        // Whoever is left goes when the others are over.
        for (let left = tickets.length + 1; left > 0; left -= 1) {
          while (admission.next() !== undefined);
          for (const ticket of tickets) if (ticket.state !== 'waiting') admission.leave(ticket);
        }
        expect(tickets.every(({ state }) => state === 'over')).toBe(true);
        expect([admission.running, admission.hasWaiting]).toEqual([0, false]);
      },
    ),
  );
});
