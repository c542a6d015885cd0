/** Checks that stand in front of everything else, before a body is read. */
import type { IncomingMessage } from 'node:http';

export interface GuardOptions {
  /** Beside loopback names, the hosts that this gateway is reached by. */
  readonly allowedHosts: readonly string[];
  /** Beside loopback origins, the web origins whose pages may call. */
  readonly allowedOrigins: readonly string[];
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Why a request is turned away, or undefined. A page in a browser can reach a loopback port under a name of its
 * own (DNS rebinding), so the Host must be a name of ours and the Origin, where there is one, must be allowed.
 */
export function forbidden(request: IncomingMessage, options: GuardOptions): string | undefined {
  const { host, origin } = request.headers;
  if (host === undefined || !isAllowedHost(host, options.allowedHosts)) {
    return `Host "${host ?? ''}" is not allowed; add it to http.allowed_hosts`;
  }
  if (origin !== undefined && !isAllowedOrigin(origin, options.allowedOrigins)) {
    return `Origin "${origin}" is not allowed; add it to http.allowed_origins`;
  }
  return undefined;
}

function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  const lower = host.toLowerCase();
  const name = lower.replace(/:\d{1,5}$/, '');
  return (
    LOOPBACK.has(name) ||
    allowed.some((entry) => entry.toLowerCase() === lower || entry.toLowerCase() === name)
  );
}

function isAllowedOrigin(origin: string, allowed: readonly string[]): boolean {
  if (allowed.includes(origin)) return true;
  const parts = /^https?:\/\/(.*)$/.exec(origin);
  return parts?.[1] !== undefined && LOOPBACK.has(parts[1].toLowerCase().replace(/:\d{1,5}$/, ''));
}
