import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Fault } from '@mcp-hangar/kernel/errors';
import type { RemoteLaunch } from '../../../domain/mcp-server/spec.ts';
import { HttpClient } from './http-client.ts';

let server: Server;
let requests: number;
let port: number;

beforeEach(async () => {
  requests = 0;
  server = createServer((_request, response) => {
    requests += 1;
    response.end('here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = address !== null && typeof address === 'object' ? address.port : 0;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const open = (host: string, trusted: boolean): Promise<HttpClient> => {
  const launch: RemoteLaunch = {
    kind: 'remote',
    url: `http://${host}:${port}/`,
    transport: 'auto',
    auth: { kind: 'none' },
    headers: {},
    tls: { verify: true, caPath: undefined },
    connectTimeoutMs: 1_000,
    readTimeoutMs: 1_000,
    connectRetries: 0,
    retryBackoffMs: 0,
    trusted,
  };
  const proxy = { http: '', https: '', none: '' };
  return HttpClient.open(launch, { proxy, userAgent: 'test', clean: (text) => text });
};

/** The status, or the fault. */
const get = async (client: HttpClient): Promise<number | Fault> => {
  client.retain();
  try {
    return await new Promise((resolve) => {
      let status = 0;
      client.request(
        { method: 'GET', lane: 'calls', headers: [], headersTimeoutMs: 1_000 },
        {
          response: (got) => {
            status = got;
          },
          data: () => undefined,
          end: () => resolve(status),
          failed: (fault) => resolve(fault),
        },
      );
    });
  } finally {
    client.release();
  }
};

test('an endpoint of the configuration file may be on this machine', async () => {
  expect(await get(await open('127.0.0.1', true))).toBe(200);
});

test('an endpoint that nobody wrote there may not, whether it is an address or a name', async () => {
  await expect(open('127.0.0.1', false)).rejects.toMatchObject({
    code: 'UPSTREAM_ADDRESS_REFUSED',
  });
  // The name is resolved by the very connection that is made, so that it cannot change its mind in between.
  expect(await get(await open('localhost', false))).toMatchObject({
    code: 'UPSTREAM_ADDRESS_REFUSED',
  });
  expect(requests).toBe(0);
});

test('a client that was released by all is closed', async () => {
  const client = await open('127.0.0.1', true);
  let told = 0;
  client.onUnused(() => {
    told += 1;
  });
  await get(client);
  expect(client.isClosed).toBe(true);
  expect(told).toBe(1);
  expect(await get(client)).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
});
