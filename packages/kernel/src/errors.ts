interface ErrorEntry {
  readonly http: 400 | 403 | 404 | 405 | 406 | 409 | 413 | 415 | 429 | 500 | 502 | 503 | 504;
  readonly jsonRpc: number;
  readonly retryable: boolean;
  readonly title: string;
  /** Of a command that ends with it; without it 1 where the request was wrong (HTTP below 500), else 2. */
  readonly exitCode?: 1 | 2 | 3;
}

/** Every refusal and fault that a caller can see. */
export const ERRORS = {
  BODY_TOO_LARGE: {
    http: 413,
    jsonRpc: -32000,
    retryable: false,
    title: 'A message of the client is over the limit.',
  },
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
  CONFIG_INVALID: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The configuration cannot be used.',
  },
  CONFIG_MISSING: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'There is no configuration.',
    exitCode: 2,
  },
  CONTENT_TYPE_UNSUPPORTED: {
    http: 415,
    jsonRpc: -32000,
    retryable: false,
    title: 'A body is not declared to be JSON.',
  },
  DISCOVERY_NOT_CONFIGURED: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The gateway looks for no servers.',
  },
  EVENT_STORE_BUSY: {
    http: 503,
    jsonRpc: -32603,
    retryable: true,
    title: 'Too many events wait to be stored.',
  },
  EVENT_STORE_UNAVAILABLE: {
    http: 503,
    jsonRpc: -32603,
    retryable: true,
    title: 'The event log cannot be used.',
  },
  FILE_CHANGED: {
    http: 409,
    jsonRpc: -32603,
    retryable: true,
    title: 'A file was changed by somebody else meanwhile.',
    exitCode: 2,
  },
  FILE_NOT_WRITTEN: {
    http: 500,
    jsonRpc: -32603,
    retryable: false,
    title: 'A file cannot be written.',
  },
  GATEWAY_BUSY: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway is at one of its limits.',
  },
  GATEWAY_DEFECT: {
    http: 500,
    jsonRpc: -32603,
    retryable: false,
    title: 'A defect of the gateway; its log says more.',
  },
  GATEWAY_ENDED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway ended during the call.',
  },
  GATEWAY_NOT_RUNNING: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'No gateway runs for the configuration.',
    exitCode: 3,
  },
  GATEWAY_OTHER_VERSION: {
    http: 503,
    jsonRpc: -32000,
    retryable: false,
    title: 'The gateway that runs is of another version.',
  },
  GATEWAY_SILENT: {
    http: 504,
    jsonRpc: -32001,
    retryable: true,
    title: 'The gateway that runs does not answer.',
  },
  GATEWAY_STOPPING: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway is shutting down.',
  },
  INPUT_INVALID: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'An argument is missing or wrong.',
  },
  INPUT_NOT_SUPPORTED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'A server wants to ask what its client cannot be asked.',
  },
  INPUT_REFUSED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The client did not give what the server asked it for.',
  },
  INPUT_ROUNDS_EXCEEDED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'A server asked the client too often during one call.',
  },
  INPUT_TIMED_OUT: {
    http: 504,
    jsonRpc: -32001,
    retryable: true,
    title: 'The client did not answer a question in time.',
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
  MCP_SERVER_DISABLED: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The configuration switches the server off.',
  },
  MCP_SERVER_EXISTS: {
    http: 409,
    jsonRpc: -32602,
    retryable: false,
    title: 'An MCP server has that id already.',
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
  MCP_SERVER_STOPPED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server was stopped while it started.',
  },
  MCP_SERVER_UNKNOWN: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'No MCP server has that id.',
  },
  METHOD_NOT_ALLOWED: {
    http: 405,
    jsonRpc: -32000,
    retryable: false,
    title: 'The path does not take this HTTP method.',
  },
  NOT_ACCEPTABLE: {
    http: 406,
    jsonRpc: -32000,
    retryable: false,
    title: 'The client does not accept the form of the answer.',
  },
  PARKED_CALL_GONE: {
    http: 404,
    jsonRpc: -32602,
    retryable: true,
    title: 'The call that was to go on is gone; make it again.',
  },
  PATH_UNKNOWN: {
    http: 404,
    jsonRpc: -32000,
    retryable: false,
    title: 'Nothing is served at the path.',
  },
  PROTOCOL_VERSION_UNSUPPORTED: {
    http: 400,
    jsonRpc: -32000,
    retryable: false,
    title: 'The protocol version is not one that is spoken here.',
  },
  REQUEST_FORBIDDEN: {
    http: 403,
    jsonRpc: -32000,
    retryable: false,
    title: 'The Host or the Origin of the request is not allowed.',
  },
  REQUEST_STATE_EXPIRED: {
    http: 400,
    jsonRpc: -32602,
    retryable: true,
    title: 'The client answered too late; make the call again.',
  },
  REQUEST_STATE_FOREIGN: {
    http: 403,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state belongs to another client.',
  },
  REQUEST_STATE_INVALID: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state was changed or is not from here.',
  },
  REQUEST_STATE_MISMATCH: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state belongs to another request.',
  },
  REQUEST_STATE_REPLAYED: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state was used before.',
  },
  SESSIONS_FULL: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'All sessions are in use.',
  },
  SESSION_MISSING: {
    http: 400,
    jsonRpc: -32000,
    retryable: false,
    title: 'The request belongs to no session.',
  },
  SESSION_UNKNOWN: {
    http: 404,
    jsonRpc: -32001,
    retryable: false,
    title: 'The session does not exist any more.',
  },
  STATE_UNAVAILABLE: {
    http: 503,
    jsonRpc: -32603,
    retryable: false,
    title: 'The state folder cannot be used.',
  },
  STREAMS_FULL: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'All event streams are in use.',
  },
  TASK_CANNOT_CROSS: {
    http: 502,
    jsonRpc: -32602,
    retryable: false,
    title: 'The tool runs as a task of the other era.',
  },
  TASK_LOST: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The server that had the task has ended.',
  },
  TOOL_UNKNOWN: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The server has no tool of that name.',
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

/** Whether a text, of another process, is a code of the catalogue. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/** The exit code of a command that ends with an error of this code. */
export function exitCodeOf(code: ErrorCode): 1 | 2 | 3 {
  const entry: ErrorEntry = ERRORS[code];
  return entry.exitCode ?? (entry.http < 500 ? 1 : 2);
}

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
