/**
 * HTTP to one remote server: pooled connections (undici, ADR 9), TLS, proxies, time limits, and redirects within the
 * origin. Everything that is secret is put on here and goes to that origin only.
 */
import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import type { RemoteAuth, RemoteLaunch } from '../../../domain/mcp-server/spec.ts';
import { checkLiteralHost, guardedLookup, publicAddressesOnly } from './address-policy.ts';
import {
  HttpExchange,
  type ExchangeHost,
  type HttpHandler,
  type HttpRequest,
  type Lane,
} from './http-exchange.ts';

const CALL_SOCKETS_MAX = 256;
const CONTROL_SOCKETS_MAX = 32;
/** Below the five seconds after which many servers close: a request on a closing connection is lost. */
const KEEP_ALIVE_MS = 4_000;
/** A peer that is gone without a word is noticed by the system's probes. */
const PROBE_AFTER_MS = 15_000;
const RESPONSE_HEADER_BYTES_MAX = 65_536;
const SILENCE_CHECK_MS = 500;

/** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the gateway; empty where they are not set. */
export interface ProxySettings {
  readonly http: string;
  readonly https: string;
  readonly none: string;
}

export interface HttpClientOptions {
  /** Takes secrets out of what a server wrote. */
  readonly clean: (text: string) => string;
  readonly proxy: ProxySettings;
  /** Name and version of the gateway. */
  readonly userAgent: string;
}

export class HttpClient implements ExchangeHost {
  readonly url: URL;
  readonly launch: RemoteLaunch;
  readonly clean: (text: string) => string;
  readonly #lanes: Readonly<Record<Lane, Dispatcher>>;
  readonly #headers: readonly string[];
  readonly #watched = new SlotMap<HttpExchange>();
  #watch: NodeJS.Timeout | undefined;
  #users = 0;
  #isClosed = false;
  #onUnused: () => void = () => undefined;

  private constructor(
    launch: RemoteLaunch,
    lanes: Readonly<Record<Lane, Dispatcher>>,
    { clean, userAgent }: HttpClientOptions,
  ) {
    this.clean = clean;
    this.launch = launch;
    this.url = new URL(launch.url);
    this.#lanes = lanes;
    this.#headers = ['user-agent', userAgent, ...secretHeaders(launch)];
  }

  /** @throws Fault UPSTREAM_TLS_FAILED where the authority cannot be read, UPSTREAM_ADDRESS_REFUSED */
  static async open(launch: RemoteLaunch, options: HttpClientOptions): Promise<HttpClient> {
    const connect = await connectOptions(launch);
    // Loaded when the first remote server is used: it costs 30 MB and 80 ms.
    const { EnvHttpProxyAgent, Pool } = await import('undici');
    const { origin } = new URL(launch.url);
    const { proxy } = options;
    // A proxy would resolve names behind the back of the address policy.
    const isProxied = launch.trusted && (proxy.http !== '' || proxy.https !== '');
    const lane = (connections: number | null): Dispatcher => {
      const common = {
        connect,
        connections,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: RESPONSE_HEADER_BYTES_MAX,
      };
      if (!isProxied) return new Pool(origin, common);
      return new EnvHttpProxyAgent({
        ...common,
        httpProxy: proxyUrl(proxy.http),
        httpsProxy: proxyUrl(proxy.https),
        noProxy: proxy.none,
        requestTls: connect,
      });
    };
    const lanes = {
      calls: lane(CALL_SOCKETS_MAX),
      control: lane(CONTROL_SOCKETS_MAX),
      streams: lane(null),
    };
    return new HttpClient(launch, lanes, options);
  }

  /** Its sockets are gone: another one has to be opened. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A connection uses it from here on, until `release`. */
  retain(): void {
    this.#users += 1;
  }

  /** With the last user its sockets go; `onUnused` hears of it before. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#isClosed = true;
    this.#onUnused();
    clearInterval(this.#watch);
    for (const lane of Object.values(this.#lanes)) void lane.destroy().catch(() => undefined);
  }

  onUnused(listener: () => void): void {
    this.#onUnused = listener;
  }

  /** Sends a request. What becomes of it is told to the handler, never before this returns. */
  request(request: HttpRequest, handler: HttpHandler): HttpExchange {
    const exchange = new HttpExchange(this, request, handler);
    exchange.start(`${this.url.pathname}${this.url.search}`);
    return exchange;
  }

  dispatch(exchange: HttpExchange, path: string): void {
    const { lane, method, headers, body, headersTimeoutMs } = exchange.request;
    this.#lanes[lane].dispatch(
      {
        origin: this.url.origin,
        path,
        method,
        headers: [...this.#headers, ...headers],
        body: body ?? null,
        headersTimeout: headersTimeoutMs,
        bodyTimeout: 0, // by `watch`, for those bodies that must not be silent
      },
      exchange,
    );
  }

  /** One timer looks at all that must not fall silent, so that a call costs none. */
  watch(exchange: HttpExchange): number {
    this.#watch ??= setInterval(() => {
      for (const each of this.#watched) each.grewOlder(SILENCE_CHECK_MS);
      if (this.#watched.size > 0) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
    }, SILENCE_CHECK_MS).unref();
    return this.#watched.insert(exchange);
  }

  unwatch(key: number): void {
    this.#watched.remove(key);
  }
}

/** As other programs take it: without a scheme it is http. */
function proxyUrl(text: string): string {
  const url = text === '' || text.includes('://') ? text : `http://${text}`;
  if (url === '' || URL.canParse(url)) return url;
  // Not quoted: it may carry a password.
  throw new Fault('UPSTREAM_UNREACHABLE', 'HTTP_PROXY or HTTPS_PROXY of the gateway is not a URL');
}

type Connect = Readonly<Record<string, unknown>>;

async function connectOptions(launch: RemoteLaunch): Promise<Connect> {
  const { tls, connectTimeoutMs, trusted } = launch;
  const base = {
    timeout: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
    rejectUnauthorized: tls.verify,
    ...(tls.caPath === undefined ? {} : { ca: await authorities(tls.caPath) }),
  };
  if (trusted) return base;
  const allows = publicAddressesOnly();
  checkLiteralHost(new URL(launch.url).hostname, allows);
  return { ...base, lookup: guardedLookup(allows) };
}

async function authorities(path: string): Promise<readonly string[]> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Fault('UPSTREAM_TLS_FAILED', `tls.ca_cert_path "${path}" cannot be read (${code})`);
  }
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new Fault('UPSTREAM_TLS_FAILED', `tls.ca_cert_path "${path}" holds no PEM certificate`);
  return [...getCACertificates('default'), pem];
}

function secretHeaders({ auth, headers }: RemoteLaunch): readonly string[] {
  const own = Object.entries(headers).flatMap(([name, value]) => [name, value.reveal()]);
  return [...credentialHeader(auth), ...own];
}

function credentialHeader(auth: RemoteAuth): readonly string[] {
  switch (auth.kind) {
    case 'none':
      return [];
    case 'bearer':
      return ['authorization', `Bearer ${auth.token.reveal()}`];
    case 'api-key':
      return [auth.header, auth.key.reveal()];
    case 'basic': {
      const text = `${auth.username}:${auth.password.reveal()}`;
      return ['authorization', `Basic ${Buffer.from(text, 'utf8').toString('base64')}`];
    }
  }
}
