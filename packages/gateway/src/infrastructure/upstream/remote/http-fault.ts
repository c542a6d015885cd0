/** What went wrong on the way to a remote server, as an error that says what to do. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { RemoteAuth } from '../../../domain/mcp-server/spec.ts';

const TEXT_CHARS_MAX = 200;
const RETRY_AFTER_MS_MAX = 86_400_000;

/** Where a request went, without what may be secret in a URL. */
export const placeOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

type FaultParts = readonly [
  detail: string,
  options: { readonly data: Readonly<Record<string, unknown>> },
];

/** A message that is what happened and what to do; both are given apart, too. */
function advised(
  { reason, fix, joint = '; ' }: { reason: string; fix: string; joint?: string },
  data: Readonly<Record<string, unknown>> = {},
): FaultParts {
  return [`${reason}${joint}${fix}`, { data: { ...data, reason, fix } }];
}

/** What an error of sockets, TLS or HTTP means. @param wasSent whether anything of the request may have arrived */
export function transportFault(error: Error, url: URL, wasSent: boolean): Fault {
  const inner = innermost(error);
  if (inner instanceof Fault) return inner;
  const code = codeOf(inner);
  const place = placeOf(url);
  const tls = TLS[code] ?? (TLS_CODE.test(code) ? TLS_OTHER : undefined);
  if (tls !== undefined) {
    const [why, fix] = tls;
    const joint = why === '' ? ': ' : '; ';
    const reason = `TLS with ${url.origin} failed (${code})${why === '' ? '' : `: ${why}`}`;
    return new Fault('UPSTREAM_TLS_FAILED', ...advised({ reason, fix, joint }));
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return protocolFault(`${place} answered with headers that are too large`);
  if (inner.name === 'HTTPParserError') {
    const reason = `${place} answered with no HTTP (${code})`;
    const fix = 'is it the right port, and is http or https right?';
    return new Fault('UPSTREAM_PROTOCOL_ERROR', ...advised({ reason, fix }));
  }
  if (code.startsWith('UND_ERR_PRX') || /proxy/i.test(inner.message)) {
    const reason = `the proxy gave no connection to ${url.origin}`;
    const fix = 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY';
    return new Fault('UPSTREAM_UNREACHABLE', ...advised({ reason, fix, joint: ': ' }));
  }
  if (!wasSent) return unreachable(code, url);
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new Fault(
      'UPSTREAM_UNAVAILABLE',
      `${place} began no answer in time (http.read_timeout)`,
    );
  return new Fault('UPSTREAM_ENDED', `the connection ended before the answer (${code})`);
}

function unreachable(code: string, url: URL): Fault {
  const noConnection = `no connection to ${url.origin} (${code})`;
  const [why, fix] = ADVICE[code] ?? ['', 'check the endpoint and the network'];
  const parts =
    why === ''
      ? advised({ reason: noConnection, fix, joint: ': ' })
      : advised({ reason: `${noConnection}: ${why}`, fix });
  return new Fault('UPSTREAM_UNREACHABLE', ...parts);
}

/** A happy-eyeballs attempt fails with all its attempts inside. */
function innermost(error: Error): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0];
  return error.cause instanceof Fault ? error.cause : error;
}

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.name;

/** What it means, and what to do. */
type Meaning = readonly [why: string, fix: string];

const ADVICE: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['nothing listens there', 'start the server or correct the endpoint'],
  ENOTFOUND: ['no such host', 'correct the endpoint'],
  EAI_AGAIN: ['the name could not be resolved', 'check DNS'],
  UND_ERR_CONNECT_TIMEOUT: [
    'it took longer than http.connect_timeout',
    'check the network, or raise it',
  ],
};

const UNKNOWN_ISSUER: Meaning = [
  'its certificate comes from an authority that is not known here',
  'name that one as tls.ca_cert_path',
];
const NO_TLS: Meaning = ['it does not speak TLS there', 'is the port right, or is it http?'];
const TLS: Readonly<Record<string, Meaning>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', 'name it as tls.ca_cert_path'],
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  CERT_HAS_EXPIRED: ['its certificate has expired', 'it has to be renewed there'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'check the clock of this machine'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another host', 'correct the endpoint'],
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};
const TLS_CODE = /^(?:CERT_|ERR_TLS|ERR_SSL|ERR_OSSL|UNABLE_TO_)/;
const TLS_OTHER: Meaning = ['', 'check its certificate and tls.ca_cert_path'];

export const protocolFault = (detail: string, data?: Readonly<Record<string, unknown>>): Fault =>
  new Fault('UPSTREAM_PROTOCOL_ERROR', detail, data === undefined ? {} : { data });

/** An answer that refuses, as far as it is not an answer of the protocol. */
export interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The message of an error in the body, or undefined. */
  readonly said: string | undefined;
}

/** What a status says. @param auth what we showed */
export function statusFault(refused: Refused, url: URL, auth: RemoteAuth): Fault {
  const { status, headers } = refused;
  const said = refused.said === undefined ? '' : `: ${shortened(refused.said)}`;
  const what = `${placeOf(url)} answered ${status}${said}`;
  const data = { status };
  if (status === 401 || status === 403) {
    const fix = credentialAdvice(refused, auth);
    return new Fault('UPSTREAM_UNAUTHORIZED', ...advised({ reason: what, fix }, data));
  }
  if (status === 429) {
    const advice = { reason: what, fix: 'call it less often' };
    return new Fault(
      'UPSTREAM_RATE_LIMITED',
      ...advised(advice, { ...data, ...retryData(headers) }),
    );
  }
  if (status >= 500) {
    const advice = { reason: what, fix: 'the fault is on its side, try again later' };
    return new Fault(
      'UPSTREAM_UNAVAILABLE',
      ...advised(advice, { ...data, ...retryData(headers) }),
    );
  }
  if (status === 404 || status === 405) {
    const advice = { reason: what, fix: 'is the path of "endpoint" right?' };
    return new Fault('UPSTREAM_PROTOCOL_ERROR', ...advised(advice, data));
  }
  return protocolFault(what, data);
}

function retryData(headers: Refused['headers']): { readonly retryAfterMs?: number } {
  const retryAfterMs = retryAfter(headers['retry-after']);
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

function credentialAdvice({ status, headers }: Refused, auth: RemoteAuth): string {
  if (auth.kind !== 'none') {
    const keys = AUTH_KEYS[auth.kind];
    return status === 401 ? `check ${keys}` : `what ${keys} names may not do this`;
  }
  const challenge = String(headers['www-authenticate'] ?? '');
  const oauth = challenge.includes('resource_metadata')
    ? ' (it offers OAuth, which waits for a later build)'
    : '';
  return `it wants a credential: set auth.type with auth.bearer_token, or auth.api_key${oauth}`;
}

const AUTH_KEYS = {
  bearer: 'auth.bearer_token',
  'api-key': 'auth.api_key and auth.api_key_header',
  basic: 'auth.username and auth.password',
} as const;

/** RFC 9110, section 10.2.3: seconds or a date. */
function retryAfter(value: string | string[] | undefined): number | undefined {
  const text = String(value ?? '').trim();
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1_000, RETRY_AFTER_MS_MAX);
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return undefined;
  return Math.min(Math.max(0, at - Date.now()), RETRY_AFTER_MS_MAX);
}

/** A text of the server's in one short line. */
export function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > TEXT_CHARS_MAX ? `${line.slice(0, TEXT_CHARS_MAX)}…` : line;
}
