/** One question whether a child is alive. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { ask, RpcRefusal } from '../calls/ask.ts';
import type { Child } from '../servers/child.ts';

const PROBE_MS_MAX = 5_000;
/** Nobody reads it; what is longer has answered too. */
const ANSWER_BYTES_MAX = 65_536;

export type Seen =
  | { readonly kind: 'passed'; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

export class Probe {
  readonly #serverId: string;
  readonly #modernMeta: JsonObject;
  #knowsPing = true;

  constructor(serverId: string, { modernMeta }: { readonly modernMeta: JsonObject }) {
    this.#serverId = serverId;
    this.#modernMeta = modernMeta;
  }

  /** Never rejects. A server that answers with an error of its own is alive. */
  async ask(child: Child, waitMs: number = PROBE_MS_MAX): Promise<Seen> {
    const beganMs = performance.now();
    const failure = await this.#failureOf(child, Math.min(PROBE_MS_MAX, waitMs));
    return failure === undefined
      ? { kind: 'passed', durationMs: Math.round(performance.now() - beganMs) }
      : {
          kind: 'failed',
          reason: `MCP server "${this.#serverId}" fails its health check: ${failure}`,
        };
  }

  async #failureOf(child: Child, timeoutMs: number): Promise<string | undefined> {
    const refusal = await this.#send(child, this.#methodFor(child), timeoutMs);
    if (!(refusal instanceof RpcRefusal)) return refusal;
    if (!this.#pings(child) || refusal.error.code !== RPC.methodNotFound) return undefined;
    this.#knowsPing = false;
    const second = await this.#send(child, 'tools/list', timeoutMs);
    return second instanceof RpcRefusal ? undefined : second;
  }

  /** The modern era has no `ping`, but every server of it answers `server/discover`. */
  #methodFor(child: Child): string {
    if (child.seat.era === 'modern') return 'server/discover';
    return this.#knowsPing ? 'ping' : 'tools/list';
  }

  #pings(child: Child): boolean {
    return child.seat.era === 'legacy' && this.#knowsPing;
  }

  /** Answers what went wrong; undefined where nothing did. */
  async #send(
    child: Child,
    method: string,
    timeoutMs: number,
  ): Promise<RpcRefusal | string | undefined> {
    const params = child.seat.era === 'modern' ? this.#modernMeta : {};
    try {
      const limits = { timeoutMs, answerBytesMax: ANSWER_BYTES_MAX };
      await ask(child.connection, method, params, limits);
      return undefined;
    } catch (error) {
      if (error instanceof RpcRefusal) return error;
      return error instanceof Fault && ANSWERED.has(error.code) ? undefined : messageOf(error);
    }
  }
}

/** Failures of a server that has answered. */
const ANSWERED: ReadonlySet<string> = new Set([
  'UPSTREAM_ANSWER_TOO_LARGE',
  'UPSTREAM_RATE_LIMITED',
]);
