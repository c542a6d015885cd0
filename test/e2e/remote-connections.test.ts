/** Getting to a remote server at all: TLS, proxies, credentials, and starts that fail and are made up for. */
import { execFileSync } from 'node:child_process';
import { createServer, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { Certificates } from '../support/certificates.ts';
import { LegacyClient, textOf } from '../support/clients.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import { HostileServer } from '../support/hostile-server.ts';
import type { Message } from '../support/http.ts';
import { remote } from '../support/remote.ts';
import { until } from '../support/until.ts';

const openssl = needs('openssl', () => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

const codeOf = (message: Message): unknown =>
  (message.error?.data as { readonly code?: unknown } | undefined)?.code;

/** One call through a gateway of its own. */
async function echo(
  config: Config,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly message: Message; readonly log: string }> {
  await using gateway = await startGateway({ mcp_servers: { far: config } }, env);
  const client = await LegacyClient.open(gateway.url());
  const message = await client.call('far__echo', { here: true }).answer();
  return { message, log: gateway.stderr() };
}

describe.skipIf(openssl.isMissing)(`TLS ${openssl.mark}`, () => {
  let made: Certificates;
  let good: HostileServer;

  beforeAll(async () => {
    made = new Certificates();
    good = await HostileServer.start(made.signed('IP:127.0.0.1'));
  });
  afterAll(async () => {
    await good?.[Symbol.asyncDispose]();
    made?.[Symbol.dispose]();
  });

  it('of an authority that is named is accepted', async () => {
    const { message } = await echo(remote(good.url, { tls: { ca_cert_path: made.caPath } }));
    expect(textOf(message)).toBe('{"here":true}');
  });

  it('of an authority that nobody named is refused, with the key to set', async () => {
    const { message } = await echo(remote(good.url));
    expect(codeOf(message)).toBe('UPSTREAM_TLS_FAILED');
    expect(message.error?.message).toMatch(/tls\.ca_cert_path$/);
  });

  it('that is self-signed is refused, and accepted unverified with a warning, once', async () => {
    await using server = await HostileServer.start(made.selfSigned('IP:127.0.0.1'));
    const { message } = await echo(remote(server.url));
    expect(codeOf(message)).toBe('UPSTREAM_TLS_FAILED');
    expect(message.error?.message).toMatch(/self-signed; name it as tls\.ca_cert_path$/);
    const unverified = await echo(remote(server.url, { tls: { verify_ssl: false } }));
    expect(textOf(unverified.message)).toBe('{"here":true}');
    expect(unverified.log.match(/tls_not_verified/g)).toHaveLength(1);
  });

  it('for another host is refused', async () => {
    await using server = await HostileServer.start(made.signed('DNS:other.example'));
    const { message } = await echo(remote(server.url, { tls: { ca_cert_path: made.caPath } }));
    expect(codeOf(message)).toBe('UPSTREAM_TLS_FAILED');
    expect(message.error?.message).toMatch(/for another host; correct the endpoint$/);
  });

  it('with a server that speaks none says so, and so does http with one that does', async () => {
    await using plain = await HostileServer.start();
    const tls = await echo(remote(plain.url.replace('http:', 'https:')));
    expect(codeOf(tls.message)).toBe('UPSTREAM_TLS_FAILED');
    expect(tls.message.error?.message).toMatch(/does not speak TLS there/);
    const http = await echo(remote(good.url.replace('https:', 'http:')));
    expect(['UPSTREAM_PROTOCOL_ERROR', 'UPSTREAM_ENDED']).toContain(codeOf(http.message));
  });

  it('with an authority file that is not there says which', async () => {
    const tls = { ca_cert_path: './missing.pem' };
    const { message } = await echo(remote(good.url, { tls }));
    expect(codeOf(message)).toBe('UPSTREAM_TLS_FAILED');
    expect(message.error?.message).toMatch(/missing\.pem" cannot be read \(ENOENT\)$/);
  });

  it('goes through the tunnel of HTTPS_PROXY', async () => {
    await using proxy = await Proxy.start();
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: '' };
    const { message, log } = await echo(
      remote(good.url, { tls: { ca_cert_path: made.caPath } }),
      env,
    );
    expect(textOf(message)).toBe('{"here":true}');
    expect(proxy.asked.every((line) => line.startsWith('CONNECT 127.0.0.1:'))).toBe(true);
    expect(proxy.asked.length).toBeGreaterThan(0);
    expect(log).not.toContain('hunter2');
  });
});

/** A forward proxy that wants a password and notes what it is asked for. */
class Proxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    this.asked.push(`${request.method} ${request.url}`);
    if (!this.#knows(request.headers['proxy-authorization'])) {
      response.writeHead(407).end();
      return;
    }
    const { method = 'GET', url = '', headers } = request;
    const onward = httpRequest(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  port = 0;

  static async start(): Promise<Proxy> {
    const proxy = new Proxy();
    proxy.#server.on('connection', (socket) => {
      proxy.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
    proxy.#server.on('connect', (request, socket) => {
      proxy.asked.push(`CONNECT ${request.url}`);
      const [host = '', port = ''] = (request.url ?? '').split(':');
      if (!proxy.#knows(request.headers['proxy-authorization'])) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    const address = proxy.#server.address();
    if (address !== null && typeof address === 'object') proxy.port = address.port;
    return proxy;
  }

  get url(): string {
    return `http://user:hunter2@127.0.0.1:${this.port}`;
  }

  #knows(header: string | undefined): boolean {
    return header === `Basic ${Buffer.from('user:hunter2').toString('base64')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

describe('A proxy', () => {
  it('is used for http where HTTP_PROXY says so, and not where NO_PROXY does', async () => {
    await using server = await HostileServer.start();
    await using proxy = await Proxy.start();
    const used = await echo(remote(server.url), { HTTP_PROXY: proxy.url });
    expect(textOf(used.message)).toBe('{"here":true}');
    expect(proxy.asked.length).toBeGreaterThan(0);
    const before = proxy.asked.length;
    const unused = await echo(remote(server.url), {
      HTTP_PROXY: proxy.url,
      NO_PROXY: '127.0.0.1',
    });
    expect(textOf(unused.message)).toBe('{"here":true}');
    expect(proxy.asked).toHaveLength(before);
    expect(used.log + unused.log).not.toContain('hunter2');
  });

  it('that refuses is named as the cause, without its password', async () => {
    await using server = await HostileServer.start();
    await using proxy = await Proxy.start();
    const wrong = proxy.url.replace('hunter2', 'wrong-password');
    const { message, log } = await echo(remote(server.url), { HTTP_PROXY: wrong });
    expect(codeOf(message)).toBe('UPSTREAM_UNREACHABLE');
    expect(message.error?.message).toMatch(/check HTTPS_PROXY, HTTP_PROXY and NO_PROXY$/);
    expect(log + JSON.stringify(message)).not.toContain('wrong-password');
  });
});

describe('A credential', () => {
  it.each([
    [{ type: 'bearer', bearer_token: 'token-1' }, { authorization: 'Bearer token-1' }],
    [{ type: 'api_key', api_key: 'key-1' }, { 'x-api-key': 'key-1' }],
    [{ type: 'api_key', key: 'key-1', header: 'X-Other' }, { 'x-other': 'key-1' }],
    [
      { type: 'basic', username: 'ann', password: 'pw:1' },
      { authorization: `Basic ${Buffer.from('ann:pw:1').toString('base64')}` },
    ],
  ])('of %o is shown with every request', async (auth, headers) => {
    await using server = await HostileServer.start();
    const { message } = await echo(remote(server.url, { auth }));
    expect(textOf(message)).toBe('{"here":true}');
    for (const seen of server.seen) expect(seen.headers).toMatchObject(headers);
  });
});

describe('A start that fails', () => {
  let server: HostileServer;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    server = await HostileServer.start();
    gateway = await startGateway({
      mcp_servers: Object.fromEntries(
        ['a401', 'a403', 'a429', 'a500', 'a503', 'a404'].map((id) => [id, remote(server.url)]),
      ),
    });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it.each([
    [401, 'UPSTREAM_UNAUTHORIZED', /wants a credential: set auth\.type with auth\.bearer_token/],
    [403, 'UPSTREAM_UNAUTHORIZED', /wants a credential/],
    [429, 'UPSTREAM_RATE_LIMITED', /call it less often$/],
    [500, 'UPSTREAM_UNAVAILABLE', /the fault is on its side/],
    [503, 'UPSTREAM_UNAVAILABLE', /the fault is on its side/],
    [404, 'UPSTREAM_PROTOCOL_ERROR', /is the path of "endpoint" right\?$/],
  ] as const)('with %i is told as %s, and made up for by itself', async (status, code, says) => {
    server.boot = { status };
    const before = server.seen.length;
    const client = await LegacyClient.open(gateway.url());
    const tool = `a${status}__echo`;
    const message = await client.call(tool).answer();
    expect(codeOf(message)).toBe(code);
    expect(message.error?.message).toMatch(new RegExp(`^Cannot start MCP server "a${status}": `));
    expect(message.error?.message).toMatch(says);
    // Only a server that seems not to know the request is asked in other ways.
    expect(server.seen.length - before).toBe(status === 404 ? 3 : 1);
    const waiting = await client.call(tool).answer();
    expect(waiting.error?.data).toMatchObject({ code: 'MCP_SERVER_BACKING_OFF', cause: code });
    server.boot = undefined;
    await until(
      'the server is found',
      async () => (await client.call(tool).answer()).result !== undefined,
      20_000,
    );
  });

  it('because nobody answers takes no longer than startup_timeout_s', async () => {
    const sockets: Socket[] = [];
    const silent = createServer(() => undefined).on('connection', (socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const beganMs = performance.now();
    const { message } = await echo(
      remote(`http://127.0.0.1:${port}/mcp`, { startup_timeout_s: 1 }),
    );
    expect(codeOf(message)).toBe('MCP_SERVER_START_FAILED');
    expect(message.error?.message).toMatch(/did not answer within 1 s \(startup_timeout_s\)/);
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});
