import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { failureOf, ForeignDatabase, problemOf, TooSlow } from './postgres-problem.ts';

function said(code: string, severity = 'ERROR', message = 'said'): DatabaseError {
  return Object.assign(new DatabaseError(message, 1, 'error'), { code, severity });
}

describe('what came of a statement', () => {
  it.each<readonly [string, Error, string]>([
    ['the end of the server', said('57P01', 'FATAL'), 'unknown'],
    ['a crash of another session', said('57P02', 'FATAL'), 'unknown'],
    ['a log of the server that cannot be written', said('53100', 'PANIC'), 'unknown'],
    ['the same in a language that is not read', said('53100', 'PANIK'), 'unknown'],
    ['a broken connection', new Error('Connection terminated unexpectedly'), 'unknown'],
    ['silence', new TooSlow('no answer for 10 ms'), 'unknown'],
    ['a full disk of tables', said('53100'), 'refused'],
    ['a refusal in a language that is not read', said('42501', 'FEHLER'), 'refused'],
    ['a standby', said('25006'), 'refused'],
    ['a database of another program', new ForeignDatabase('foreign'), 'refused'],
    ['no turn at the lock', said('55P03'), 'busy'],
    ['the time limit of the server', said('57014'), 'busy'],
    ['a schema that is gone', said('3F000'), 'absent'],
    ['a function that is gone', said('42883'), 'absent'],
  ])('that was sent and met %s', (_what, error, failure) => {
    expect(failureOf(error, true)).toBe(failure);
  });

  it.each<readonly [string, Error, string]>([
    ['too many connections', said('53300', 'FATAL'), 'busy'],
    ['a server that is starting', said('57P03', 'FATAL'), 'refused'],
    ['nobody who listens', new Error('connect ECONNREFUSED 127.0.0.1:1'), 'refused'],
    ['no free connection', new Error('timeout exceeded when trying to connect'), 'busy'],
  ])('is that nothing was done where it was not sent: %s', (_what, error, failure) => {
    expect(failureOf(error, false)).toBe(failure);
  });
});

it('What the server said is told with its code, and without the values that it quotes beside it', () => {
  const error = Object.assign(said('23505', 'ERROR', 'duplicate key'), { detail: 'Key (id)=(x)' });
  expect(problemOf(error)).toBe('duplicate key (PostgreSQL 23505)');
});

it('Where every address of a host was tried, each is told', () => {
  const error = new AggregateError([new Error('connect ::1'), new Error('connect 127.0.0.1')]);
  expect(problemOf(error)).toBe('connect ::1, connect 127.0.0.1');
});
