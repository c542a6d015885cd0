/** How a call is put to its server. */
import type { ParamHeader } from '../../domain/protocol/param-headers.ts';
import type { AttemptLimit } from './call-gate.ts';

/** The server's own name or URI, as JSON text, in place of the public one. */
export interface Replacement {
  readonly slot: number;
  readonly text: string;
}

/** What is to be known of a tool, once its server is listed. */
export interface ToolTraits {
  readonly paramHeaders: readonly ParamHeader[];
  /** The client is shown what the tool puts out as `{ result: … }`. */
  readonly wrapsOutput: boolean;
}

export interface Delivery {
  readonly replace: Replacement | undefined;
  /** The server's own name or URI, where the client used another. */
  readonly upstreamName?: string | undefined;
  readonly paramHeaders?: Readonly<Record<string, string>>;
  readonly traits: () => ToolTraits;
  /** Without an answer or progress for this long the call, or its attempt, ends. */
  readonly timeoutMs: number;
  /** What says so, where it is not `call_timeout_s`. */
  readonly key?: string;
}

/** The same with the limit of one attempt, where that is shorter. */
export const withinLimit = (delivery: Delivery, limit: AttemptLimit | undefined): Delivery =>
  limit !== undefined && limit.timeoutMs < delivery.timeoutMs
    ? { ...delivery, ...limit }
    : delivery;
