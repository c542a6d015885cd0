/** Requests that a server sends to its client through the gateway, and what becomes of them when one side goes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const CAPABILITIES = { elicitation: {}, sampling: {} };
const ELICIT = { method: 'elicitation/create', params: { message: 'Who?', big: 1 } };

let gateway: GatewayProcess;
let journal: Journal;

beforeAll(async () => {
  journal = await Journal.open();
  gateway = await startGateway({
    mcp_servers: {
      up: upstream([journal.option]),
      patient: upstream([journal.option], { call_timeout_s: 0.3 }),
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

const open = (server = 'up'): Promise<LegacyClient> =>
  LegacyClient.open(gateway.url(server), { capabilities: CAPABILITIES });
const pidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('pid').answer()));
async function answer(client: LegacyClient, id: unknown, result: string): Promise<number> {
  const exchange = client.post(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`);
  await exchange.ended;
  return exchange.status;
}
const asked = (call: Exchange): Promise<Message> => call.notified(ELICIT.method);

describe('A question of a server', () => {
  it('comes on the stream of the call, and its answer goes back as it was written', async () => {
    const client = await open();
    const call = client.call('ask', ELICIT);
    const question = await asked(call);
    expect(question.params).toEqual(ELICIT.params);
    expect(question.id).toEqual(expect.any(Number));
    const result = '{"action":"accept","content":{"n":12345678901234567890,"f":1.0},"x":2.0}';
    expect(await answer(client, question.id, result)).toBe(202);
    await call.answer();
    const read = journal.lines(result).at(-1);
    expect(read).toMatch(/"id":"q-\d+"/);
  });

  it('may be answered with an error', async () => {
    const client = await open();
    const call = client.call('ask', ELICIT);
    const { id } = await asked(call);
    await client.post(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -1, message: 'no' } }))
      .ended;
    expect(textOf(await call.answer())).toContain('"code":-1');
  });

  it('is answered once: a second answer, and one to nothing, are taken and dropped', async () => {
    const client = await open();
    const call = client.call('ask', ELICIT);
    const { id } = await asked(call);
    for (const each of [id, id, 999, 'q-1', -1]) expect(await answer(client, each, '{}')).toBe(202);
    expect(textOf(await call.answer())).toContain('"result":{}');
  });

  it('cannot be answered by another session', async () => {
    const [client, other] = [await open(), await open()];
    const call = client.call('ask', ELICIT);
    const { id } = await asked(call);
    expect(await answer(other, id, '{"stolen":true}')).toBe(202);
    expect(await answer(client, id, '{"own":true}')).toBe(202);
    expect(textOf(await call.answer())).toContain('"own":true');
  });

  it('is refused where the client did not declare it, and the client hears nothing', async () => {
    const client = await open();
    const call = client.call('ask', { method: 'roots/list' });
    expect(textOf(await call.answer())).toContain('-32601');
    expect(call.messages()).toHaveLength(1);
    const capabilities = { sampling: {} };
    const modern = modernCall(gateway.url('up'), 'ask', { method: 'roots/list' }, { capabilities });
    expect(textOf(await modern.answer())).toContain('-32601');
  });

  it('stops the clock of the call while its client thinks', async () => {
    const client = await open('patient');
    const call = client.call('ask', ELICIT);
    const { id } = await asked(call);
    expect(textOf(await (await open('patient')).call('sleep', { ms: 100 }).answer())).toBe(
      'slept 100',
    );
    const hang = await (await open('patient')).call('hang').answer();
    expect(hang.error?.code).toBe(-32_001); // meanwhile the time of another call is over
    expect(await answer(client, id, '{"late":1}')).toBe(202);
    expect(textOf(await call.answer())).toContain('"late":1');
  });

  it('is a ping that the gateway answers itself', async () => {
    const client = await open();
    expect(textOf(await client.call('ask', { method: 'ping' }).answer())).toContain('"result":{}');
  });

  it('comes on the standing stream when the call has lost its own, and is kept for it', async () => {
    const client = await open();
    const call = client.call('ask', { ...ELICIT, after: 150 });
    await until('the server has the call', () => journal.lines('"after":150').length > 0);
    call.close();
    await pidOf(client);
    const stream = await client.listen();
    const { id } = await asked(stream);
    expect(await answer(client, id, '{"found":1}')).toBe(202);
    await until('the server has the answer', () => journal.lines('"found":1').length > 0);
  });
});

describe('A question that nobody needs any more', () => {
  it('is taken back when its server takes it back', async () => {
    const client = await open();
    const call = client.call('ask', { ...ELICIT, giveUp: 100 });
    const question = await asked(call);
    const cancelled = await call.notified('notifications/cancelled');
    expect(cancelled.params?.['requestId']).toBe(question.id);
    expect(textOf(await call.answer())).toBe('gave up');
    expect(await answer(client, question.id, '{}')).toBe(202);
  });

  it('is taken back when its server dies', async () => {
    const client = await open();
    const stream = await client.listen();
    const pid = await pidOf(client);
    const call = client.call('ask', ELICIT);
    const question = await asked(call);
    process.kill(pid, 'SIGKILL');
    expect((await call.answer()).error?.message).toContain('SIGKILL');
    const cancelled = await until('the client is told', () =>
      [...stream.messages(), ...call.messages()].find(
        ({ method }) => method === 'notifications/cancelled',
      ),
    );
    expect(cancelled.params?.['requestId']).toBe(question.id);
    expect(await pidOf(client)).not.toBe(pid);
  });

  it('goes with its session, and with it the child that waits', async () => {
    const client = await open();
    const pid = await pidOf(client);
    const call = client.call('ask', ELICIT);
    await asked(call);
    expect(await client.end()).toBe(204);
    await until('the call is over', () => call.over);
    await until('the child is not left waiting', () => !isAlive(pid));
  });

  it('goes with its call when the client cancels that', async () => {
    const client = await open();
    const pid = await pidOf(client);
    const call = client.request('tools/call', { name: 'ask', arguments: ELICIT }, 'cancel-me');
    await asked(call);
    await client.notify('notifications/cancelled', { requestId: 'cancel-me' });
    await until('the call is over', () => call.over);
    expect(await pidOf(client)).toBe(pid);
  });
});
