/** Lines on which nothing happens stay open: a comment comes at least every 15 s. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange } from '../support/http.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const COMMENT_MS_MAX = 15_000 + 1_000;
const CALL_MS = COMMENT_MS_MAX + 2_000;

let gateway: GatewayProcess;
let quiet: Readonly<Record<'GET stream' | 'legacy call' | 'modern call' | 'listen', Exchange>>;

beforeAll(async () => {
  gateway = await startGateway({ mcp_servers: { up: upstream() } });
  const client = await LegacyClient.open(gateway.url('up'));
  const filter = { notifications: { toolsListChanged: true } };
  quiet = {
    'GET stream': await client.listen(),
    'legacy call': client.call('sleep', { ms: CALL_MS }),
    'modern call': modernCall(gateway.url('up'), 'sleep', { ms: CALL_MS }),
    listen: modern(gateway.url('up'), 'subscriptions/listen', filter),
  };
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe('A quiet line', () => {
  it.each(['GET stream', 'listen', 'legacy call', 'modern call'] as const)(
    'hears a comment: %s',
    async (which) => {
      const exchange = quiet[which];
      await until('a comment comes', () => exchange.comments().length > 0, COMMENT_MS_MAX);
      expect(exchange.isStream).toBe(true);
      expect(exchange.over).toBe(false);
    },
  );

  it('brings its answer after the comments', async () => {
    for (const call of [quiet['legacy call'], quiet['modern call']])
      expect(textOf(await call.answer())).toBe(`slept ${CALL_MS}`);
  });
});
