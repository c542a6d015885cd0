/** Acceptance 4, the short form; `node test/load/leaks.ts` is the long one. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { exchange } from '../isolation/raw-http.ts';
import { HABITS } from './leak-gateway.ts';
import { becomesTrue } from './resources.ts';
import { runScript } from './run-script.ts';

const SERVER = fileURLToPath(new URL('./fixtures/server.sh', import.meta.url));
const RUN_MS_MAX = 120_000;
const GONE_MS_MAX = 2_000;

it(
  'leaves no process, file, handle or memory behind after 500 starts and stops and 200 sessions',
  async () => {
    const { code, printed } = await runScript('leaks', ['--cycles', '500', '--sessions', '200']);
    expect(printed).toContain('nothing is left');
    expect(code).toBe(0);
  },
  RUN_MS_MAX,
);

it('leaves no descendant alive 2 s after kill -9 of the gateway', async () => {
  await using gateway = await startGateway({
    mcp_servers: Object.fromEntries(
      HABITS.map((habit) => [habit, { command: ['sh', SERVER, habit] }]),
    ),
  });
  const port = Number(new URL(gateway.origin).port);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x' } };
  const opened = HABITS.map(
    (habit) =>
      exchange(port, {
        method: 'POST',
        path: `/mcp/${habit}`,
        headers: {},
        // One server says what it can do, so it is started and asked.
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      }).done,
  );
  expect((await Promise.all(opened)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const descendants = descendantsOf(gateway.pid);
  // Four servers, the grandchild of one of them, and the guardian.
  expect(descendants.length).toBeGreaterThanOrEqual(6);
  gateway.kill();
  await gateway.exited;
  const isOver = (): boolean => !descendants.some(isAlive);
  expect(await becomesTrue(isOver, GONE_MS_MAX)).toBe(true);
});
