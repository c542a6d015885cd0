/** What a failed call says about its server. */
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import { describe, expect, it } from 'vitest';
import { endingOf, timedOut } from './call-ending.ts';

const outcomeOf = (code: ErrorCode, data?: Readonly<Record<string, unknown>>): string =>
  endingOf(new Fault(code, 'it failed', data === undefined ? {} : { data })).outcome;

describe('A call that has failed', () => {
  it('counts against its server where nothing came in the time that the server has', () => {
    expect(endingOf(timedOut('no answer', false))).toMatchObject({
      outcome: 'failed',
      error: 'CALL_TIMED_OUT',
    });
  });

  it('says nothing about its server where its caller waited less long', () => {
    expect(endingOf(timedOut('no answer', true))).toMatchObject({
      outcome: 'given-up',
      error: 'CALL_TIMED_OUT',
    });
  });

  it.each([403, 413, 422])(
    'is answered where a remote server refuses this one with %i',
    (status) => {
      expect(outcomeOf('UPSTREAM_PROTOCOL_ERROR', { status })).toBe('answered-error');
    },
  );

  it.each([400, 401, 404, 500, 503])('counts against a remote server that answers %i', (status) => {
    expect(outcomeOf('UPSTREAM_UNAVAILABLE', { status })).toBe('failed');
  });

  it('says nothing about its server where the queue to it is full, which one client alone can do', () => {
    expect(outcomeOf('UPSTREAM_QUEUE_FULL')).toBe('given-up');
  });

  it('says nothing where the gateway ended it, and is an end where the process ended', () => {
    expect(outcomeOf('RATE_LIMITED')).toBe('given-up');
    expect(outcomeOf('UPSTREAM_ENDED')).toBe('ended');
    expect(endingOf(new Error('a defect')).outcome).toBe('given-up');
  });
});
