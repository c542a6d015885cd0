interface ErrorEntry {
  readonly http: 400 | 403 | 404 | 405 | 406 | 413 | 415 | 429 | 500 | 502 | 503 | 504;
  readonly jsonRpc: number;
  readonly retryable: boolean;
  readonly title: string;
  /** What whoever meets it does about it: one sentence. */
  readonly remedy: string;
  /** Of a command that ends with it; without it 1 where the request was wrong (HTTP below 500), else 2. */
  readonly exitCode?: 1 | 2 | 3;
}

/** Every refusal and fault that a caller can see. */
export const ERRORS = {
  ADDRESS_UNAVAILABLE: {
    http: 503,
    jsonRpc: -32603,
    retryable: true,
    title: 'The gateway cannot listen at that address.',
    remedy: 'Choose another port (0 lets the system choose), or end the program that has it.',
  },
  BODY_TOO_LARGE: {
    http: 413,
    jsonRpc: -32000,
    retryable: false,
    title: 'A message of the client is over the limit.',
    remedy: 'Send less in one message, or raise limits.body_bytes_max.',
  },
  CALL_REFUSED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The call was answered with an error of the protocol.',
    remedy: 'Correct the call as the message of the server says.',
  },
  CALL_TIMED_OUT: {
    http: 504,
    jsonRpc: -32001,
    retryable: true,
    title: 'The server did not answer in time.',
    remedy: 'Call again, or raise call_timeout_s of the server; its log says what it was doing.',
  },
  CLIENT_TOO_SLOW: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The client did not read its answers.',
    remedy: 'Read answers as they come, or raise limits.client_buffer_bytes_max.',
  },
  CONFIG_INVALID: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The configuration cannot be used.',
    remedy:
      'Correct the lines that are named; "mcp-hangar config check FILE" checks without starting anything.',
  },
  CONFIG_MISSING: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'There is no configuration.',
    remedy: 'Name the file with --config FILE, or in MCP_CONFIG.',
    exitCode: 2,
  },
  CONTENT_TYPE_UNSUPPORTED: {
    http: 415,
    jsonRpc: -32000,
    retryable: false,
    title: 'A body is not declared to be JSON.',
    remedy: 'Send the header Content-Type: application/json.',
  },
  DISCOVERY_NOT_CONFIGURED: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The gateway looks for no servers.',
    remedy: 'Name the servers in the configuration: this build looks for none.',
  },
  EVENT_STORE_BUSY: {
    http: 503,
    jsonRpc: -32603,
    retryable: true,
    title: 'Too many events wait to be stored.',
    remedy: 'Try again: what waits is written first.',
  },
  EVENT_STORE_UNAVAILABLE: {
    http: 503,
    jsonRpc: -32603,
    retryable: true,
    title: 'The event log cannot be used.',
    remedy:
      'Free space on the disk and check who may write the file; where the file is damaged, move it away.',
  },
  GATEWAY_BUSY: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway is at one of its limits.',
    remedy: 'Try again when some calls are over, or raise the limit that the message names.',
  },
  GATEWAY_DEFECT: {
    http: 500,
    jsonRpc: -32603,
    retryable: false,
    title: 'A defect of the gateway; its log says more.',
    remedy: 'Report it with the lines of the log around "defect".',
  },
  GATEWAY_ENDED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway ended during the call.',
    remedy: 'Check what the call did before you repeat it: it may have run.',
  },
  GATEWAY_NOT_RUNNING: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'No gateway runs for the configuration.',
    remedy: 'Start one with "mcp-hangar serve", or let an AI client start it.',
    exitCode: 3,
  },
  GATEWAY_OTHER_VERSION: {
    http: 503,
    jsonRpc: -32000,
    retryable: false,
    title: 'The gateway that runs is of another version.',
    remedy: 'End the gateway that runs, so that this version starts in its place.',
  },
  GATEWAY_SILENT: {
    http: 504,
    jsonRpc: -32001,
    retryable: true,
    title: 'The gateway that runs does not answer.',
    remedy: 'Try again; where it stays silent, end the process that the message names.',
  },
  GATEWAY_STOPPING: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The gateway is shutting down.',
    remedy: 'Try again when the gateway has started again.',
  },
  INPUT_INVALID: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'An argument is missing or wrong.',
    remedy: 'Correct the argument that is named.',
  },
  INPUT_NOT_SUPPORTED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'A server wants to ask what its client cannot be asked.',
    remedy: 'Use a client that declares what the message names (sampling, elicitation or roots).',
  },
  INPUT_REFUSED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The client did not give what the server asked it for.',
    remedy: 'Call again, and answer what the client shows.',
  },
  INPUT_ROUNDS_EXCEEDED: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'A server asked the client too often during one call.',
    remedy: 'Give the tool with its arguments what it keeps asking for.',
  },
  INPUT_TIMED_OUT: {
    http: 504,
    jsonRpc: -32001,
    retryable: true,
    title: 'The client did not answer a question in time.',
    remedy: 'Call again, and answer within ten minutes.',
  },
  LEASE_TIMED_OUT: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'No child of the server became free.',
    remedy: 'Try again, or raise leased_children_max of the server or limits.lease_wait_s.',
  },
  MCP_SERVER_BACKING_OFF: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server failed and is not due yet.',
    remedy:
      'Remove the cause that the message gives, then start the server by hand, which does not wait.',
  },
  MCP_SERVER_DISABLED: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The configuration switches the server off.',
    remedy: 'Set enabled: true for it in the configuration.',
  },
  MCP_SERVER_INACTIVE: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The server cannot run in this build.',
    remedy: 'Use a mode that this build has: subprocess or remote.',
  },
  MCP_SERVER_START_FAILED: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server did not become ready.',
    remedy: 'Do what the message proposes; the last lines that the server wrote stand beside it.',
  },
  MCP_SERVER_STOPPED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server was stopped while it started.',
    remedy: 'Call again: the next call starts it.',
  },
  MCP_SERVER_UNKNOWN: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'No MCP server has that id.',
    remedy: 'Use one of the ids that the message or the list of servers has.',
  },
  METHOD_NOT_ALLOWED: {
    http: 405,
    jsonRpc: -32000,
    retryable: false,
    title: 'The path does not take this HTTP method.',
    remedy: 'Use POST for messages, GET for a stream, DELETE to end a session.',
  },
  NOT_ACCEPTABLE: {
    http: 406,
    jsonRpc: -32000,
    retryable: false,
    title: 'The client does not accept the form of the answer.',
    remedy: 'Send the header Accept: application/json, text/event-stream.',
  },
  PARKED_CALL_GONE: {
    http: 404,
    jsonRpc: -32602,
    retryable: true,
    title: 'The call that was to go on is gone; make it again.',
    remedy: 'Make the call again from the beginning.',
  },
  PATH_UNKNOWN: {
    http: 404,
    jsonRpc: -32000,
    retryable: false,
    title: 'Nothing is served at the path.',
    remedy: 'Connect to /mcp for all servers, or to /mcp/SERVER for one.',
  },
  PROTOCOL_VERSION_UNSUPPORTED: {
    http: 400,
    jsonRpc: -32000,
    retryable: false,
    title: 'The protocol version is not one that is spoken here.',
    remedy: 'Use one of the revisions 2024-11-05 to 2026-07-28.',
  },
  REQUEST_FORBIDDEN: {
    http: 403,
    jsonRpc: -32000,
    retryable: false,
    title: 'The Host or the Origin of the request is not allowed.',
    remedy:
      'Connect to the loopback address, or add the name to http.allowed_hosts or http.allowed_origins.',
  },
  REQUEST_STATE_EXPIRED: {
    http: 400,
    jsonRpc: -32602,
    retryable: true,
    title: 'The client answered too late; make the call again.',
    remedy: 'Make the call again, and answer within ten minutes.',
  },
  REQUEST_STATE_FOREIGN: {
    http: 403,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state belongs to another client.',
    remedy: 'Make the call again as the client that is to answer.',
  },
  REQUEST_STATE_INVALID: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state was changed or is not from here.',
    remedy: 'Send requestState back exactly as it came, or make the call again.',
  },
  REQUEST_STATE_MISMATCH: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state belongs to another request.',
    remedy: 'Send method, name and arguments as they were in the first request.',
  },
  REQUEST_STATE_REPLAYED: {
    http: 400,
    jsonRpc: -32602,
    retryable: false,
    title: 'The request state was used before.',
    remedy: 'Use the requestState of the last answer, once.',
  },
  SESSIONS_FULL: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'All sessions are in use.',
    remedy: 'End sessions that are not used (DELETE), or raise limits.sessions_max.',
  },
  SESSION_MISSING: {
    http: 400,
    jsonRpc: -32000,
    retryable: false,
    title: 'The request belongs to no session.',
    remedy: 'Send initialize first, then its Mcp-Session-Id with every request.',
  },
  SESSION_UNKNOWN: {
    http: 404,
    jsonRpc: -32001,
    retryable: false,
    title: 'The session does not exist any more.',
    remedy: 'Send initialize again.',
  },
  STATE_UNAVAILABLE: {
    http: 503,
    jsonRpc: -32603,
    retryable: false,
    title: 'The state folder cannot be used.',
    remedy: 'Make the folder writable for this user only, or name another one with --state-dir.',
  },
  STREAMS_FULL: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'All event streams are in use.',
    remedy: 'Close streams that are not read, or raise limits.streams_max.',
  },
  TASK_CANNOT_CROSS: {
    http: 502,
    jsonRpc: -32602,
    retryable: false,
    title: 'The tool runs as a task of the other era.',
    remedy: 'Use a client of the revision that the server speaks.',
  },
  TASK_LOST: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The server that had the task has ended.',
    remedy: 'Start the work again.',
  },
  TOOL_UNKNOWN: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'The server has no tool of that name.',
    remedy: 'Use one of the names that the message or the list of tools has.',
  },
  UPSTREAM_ADDRESS_REFUSED: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The address of the server is not allowed.',
    remedy:
      'Write the server into the configuration file: only servers of the file may have a private address.',
  },
  UPSTREAM_ANSWER_INVALID: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The server answered with no JSON-RPC.',
    remedy: 'Report it to the authors of the server: only JSON-RPC may stand on its stdout.',
  },
  UPSTREAM_ANSWER_TOO_LARGE: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'The answer is over the limit.',
    remedy: 'Ask for less, or raise the limit that the message names.',
  },
  UPSTREAM_ENDED: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server ended during the call.',
    remedy:
      'Check what the call did before you repeat it; the log of the server says why it ended.',
  },
  UPSTREAM_PROTOCOL_ERROR: {
    http: 502,
    jsonRpc: -32603,
    retryable: false,
    title: 'What answers does not speak MCP as agreed.',
    remedy: 'Check that the endpoint is the one of an MCP server, path included.',
  },
  UPSTREAM_QUEUE_FULL: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server does not read its calls.',
    remedy: 'Wait for the calls in flight, or restart the server.',
  },
  UPSTREAM_RATE_LIMITED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server asks for fewer calls.',
    remedy: 'Wait as long as the message says, then call less often.',
  },
  UPSTREAM_TLS_FAILED: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The TLS connection to the server cannot be trusted.',
    remedy:
      'Trust the authority of its certificate with tls.ca_cert_path, or correct the name in the endpoint.',
  },
  UPSTREAM_UNAUTHORIZED: {
    http: 502,
    jsonRpc: -32000,
    retryable: false,
    title: 'The server refuses the credential of the gateway.',
    remedy: 'Give the server a valid credential: auth or headers of its entry.',
  },
  UPSTREAM_UNAVAILABLE: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'The server is up but cannot serve.',
    remedy: 'Try again later; where it lasts, ask who runs the server.',
  },
  UPSTREAM_UNREACHABLE: {
    http: 502,
    jsonRpc: -32000,
    retryable: true,
    title: 'No connection to the server can be made.',
    remedy: 'Check that the server runs, its endpoint, and the proxy variables.',
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
