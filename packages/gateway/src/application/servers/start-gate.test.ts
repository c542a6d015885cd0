import { expect, test } from 'vitest';
import { StartGate } from './start-gate.ts';

function gateAt(startMs = 0): { gate: StartGate; clock: { now: number } } {
  const clock = { now: startMs };
  return { gate: new StartGate('files', { nowMs: () => clock.now }, () => 0.5), clock };
}

test('every failed start doubles the wait, up to a minute', () => {
  const { gate, clock } = gateAt();
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure += 1) {
    gate.failed(new Error('no'));
    waits.push(gate.waitMs);
    clock.now += gate.waitMs;
    expect(gate.waitMs).toBe(0);
    gate.check();
  }
  expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('a start that is not due is refused with the last failure and the time to wait', () => {
  const { gate, clock } = gateAt(5_000);
  gate.failed(new Error('command "uvx" not found'));
  clock.now += 499;
  const refusal = {
    code: 'MCP_SERVER_BACKING_OFF',
    message: 'command "uvx" not found; next try in 2 s',
    data: { retryAfterMs: 1_501 },
  };
  expect(() => gate.check()).toThrow(expect.objectContaining(refusal));
});

test('a start that succeeds opens the gate, but the ladder goes on until a call was answered', () => {
  const { gate } = gateAt();
  gate.failed(new Error('one'));
  gate.failed(new Error('two'));
  gate.succeeded();
  expect([gate.waitMs, gate.lastFailure]).toEqual([0, undefined]);
  gate.failed(new Error('three'));
  expect(gate.waitMs).toBe(8_000);
  gate.succeeded();
  gate.answered();
  gate.failed(new Error('anew'));
  expect(gate.waitMs).toBe(2_000);
});

test('the first crash before an answer is forgiven, the next ones climb the ladder', () => {
  const { gate } = gateAt();
  const waits: number[] = [];
  for (let crash = 0; crash < 4; crash += 1) {
    gate.crashed('it ended');
    waits.push(gate.waitMs);
    gate.succeeded();
  }
  expect(waits).toEqual([0, 2_000, 4_000, 8_000]);
  gate.crashed('ended (exit code 1)');
  expect(gate.lastFailure).toBe('MCP server "files" ended (exit code 1)');
});

test('what is thrown need not be an error', () => {
  const { gate } = gateAt();
  gate.failed('text');
  expect(gate.lastFailure).toBe('text');
});
