import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { until } from '../../../../../../test/support/until.ts';
import { HttpClient } from './http-client.ts';
import { StandingStream } from './standing-stream.ts';

test('a server that wants to be asked again at once, each time, is asked ten times a second at most', async () => {
  const askedAtMs: number[] = [];
  const server = createServer((_request, response) => {
    askedAtMs.push(performance.now());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end('retry: 0\ndata: \n\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const client = await HttpClient.open(
    {
      kind: 'remote',
      url: `http://127.0.0.1:${port}/`,
      transport: 'auto',
      auth: { kind: 'none' },
      headers: {},
      tls: { verify: true, caPath: undefined },
      connectTimeoutMs: 1_000,
      readTimeoutMs: 1_000,
      connectRetries: 0,
      retryBackoffMs: 0,
      trusted: true,
    },
    { proxy: { http: '', https: '', none: '' }, userAgent: 'test', clean: (text) => text },
  );
  client.retain();
  const stream = new StandingStream({
    client,
    messageBytesMax: 1_000,
    headers: [],
    message: () => undefined,
    sessionGone: () => undefined,
    heard: () => undefined,
    unreachable: () => true,
  });
  try {
    stream.open();
    await until('it is asked four times', () => askedAtMs.length === 4);
    const [first = 0, , , fourth = 0] = askedAtMs;
    expect(fourth - first).toBeGreaterThan(290);
  } finally {
    stream.stop();
    client.release();
    await new Promise((resolve) => server.close(resolve));
  }
});
