interface ErrorEntry {
  readonly http: 400 | 404 | 413 | 429 | 500 | 502 | 503 | 504;
  readonly jsonRpc: number;
  readonly retryable: boolean;
  readonly title: string;
}

/** Every refusal and fault that a caller can see. */
export const ERRORS = {
  CALL_TIMED_OUT: {
    http: 504,
    jsonRpc: -32001,
    retryable: true,
    title: 'The server did not answer in time.',
  },
  CLIENT_TOO_SLOW: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The client did not read its answers.',
  },
  ERA_BRIDGE_NEEDED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'Client and server speak different eras.',
  },
  GATEWAY_BUSY: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway is at one of its limits.',
  },
  GATEWAY_STOPPING: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway is shutting down.',
  },
  LEASE_TIMED_OUT: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'No child of the server became free.',
  },
  MCP_SERVER_BACKING_OFF: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server failed and is not due yet.',
  },
  MCP_SERVER_INACTIVE: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The server cannot run in this build.',
  },
  MCP_SERVER_START_FAILED: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server did not become ready.',
  },
  UPSTREAM_ADDRESS_REFUSED: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The address of the server is not allowed.',
  },
  UPSTREAM_ANSWER_INVALID: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The server answered with no JSON-RPC.',
  },
  UPSTREAM_ANSWER_TOO_LARGE: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The answer is over the limit.',
  },
  UPSTREAM_ENDED: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server ended during the call.',
  },
  UPSTREAM_PROTOCOL_ERROR: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'What answers does not speak MCP as agreed.',
  },
  UPSTREAM_QUEUE_FULL: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server does not read its calls.',
  },
  UPSTREAM_RATE_LIMITED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server asks for fewer calls.',
  },
  UPSTREAM_TLS_FAILED: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The TLS connection to the server cannot be trusted.',
  },
  UPSTREAM_UNAUTHORIZED: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The server refuses the credential of the gateway.',
  },
  UPSTREAM_UNAVAILABLE: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server is up but cannot serve.',
  },
  UPSTREAM_UNREACHABLE: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'No connection to the server can be made.',
  },
} as const satisfies Record<string, ErrorEntry>;
export type ErrorCode = keyof typeof ERRORS;

/** A fault of the world outside: thrown by adapters, caught once, at the edge. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  /** Given to the caller beside the message; never a secret. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
  constructor(
    code: ErrorCode,
    detail: string,
    options?: ErrorOptions & { readonly data?: Readonly<Record<string, unknown>> },
  ) {
    super(detail, options);
    this.code = code;
    this.data = options?.data;
  }
}
