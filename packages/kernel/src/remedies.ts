/** The catalogue of errors, continued: loaded only where somebody is told what to do. */
import type { ErrorCode } from './errors.ts';

/** What whoever meets an error does about it, in one sentence. */
export const REMEDIES: Readonly<Record<ErrorCode, string>> = {
  CONCURRENCY_LIMITED: 'Try again after retryAfterMs, or raise the limit that the message names.',
  RATE_LIMITED: 'Call again after retryAfterMs and less often, or raise the limit that is named.',
  GROUP_NOT_AVAILABLE:
    'Remove the cause that the message gives; "mcp-hangar rebalance GROUP" does not wait.',
  GROUP_UNKNOWN: 'Choose one of "mcp-hangar groups".',
  NO_HEALTHY_MEMBERS_IN_GROUP:
    'Remove the cause that the message gives, or start a member by hand, which does not wait.',
  ADDRESS_UNAVAILABLE:
    'Choose another port (0 lets the system choose), or end the program that has it.',
  BODY_TOO_LARGE: 'Send less in one message, or raise limits.body_bytes_max.',
  CALL_TIMED_OUT:
    'Call again, or raise call_timeout_s of the server; its log says what it was doing.',
  CIRCUIT_OPEN:
    'Remove the cause that the message gives, then start the server by hand, or wait until it is tried again.',
  CLIENT_TOO_SLOW: 'Read answers as they come, or raise limits.client_buffer_bytes_max.',
  CONFIG_INVALID:
    'Correct the lines that are named; "mcp-hangar config check FILE" checks without starting anything.',
  CONFIG_MISSING: 'Name the file with --config FILE, or in MCP_CONFIG.',
  CONFIG_RESTART_REQUIRED:
    'Restart the gateway, or the AI client that started it; or take the keys that are named back.',
  CONTENT_TYPE_UNSUPPORTED: 'Send the header Content-Type: application/json.',
  DISCOVERY_NOT_CONFIGURED: 'Name the servers in the configuration: this build looks for none.',
  EVENT_STORE_BUSY: 'Try again: what waits is written first.',
  EVENT_STORE_UNAVAILABLE:
    'Check room, rights and damage of the file (move a damaged one away), or whether the database runs and lets you in.',
  FILE_CHANGED: 'Run the command again: it begins with what the file says now.',
  FILE_NOT_WRITTEN:
    'Check the folder of the file: whether it exists, its permissions, the room on the disk.',
  GATEWAY_BUSY: 'Try again when some calls are over, or raise the limit that the message names.',
  GATEWAY_DEFECT: 'Report it with the lines of the log around "defect".',
  GATEWAY_ENDED: 'Check what the call did before you repeat it: it may have run.',
  GATEWAY_NOT_RUNNING: 'Start one with "mcp-hangar serve", or let an AI client start it.',
  GATEWAY_OTHER_VERSION: 'End the gateway that runs, so that this version starts in its place.',
  GATEWAY_SILENT: 'Try again; where it stays silent, end the mcp-hangar process that runs.',
  GATEWAY_STOPPING: 'Try again when the gateway has started again.',
  INPUT_INVALID: 'Correct the argument that is named.',
  INPUT_NOT_SUPPORTED:
    'Use a client that declares what the message names (sampling, elicitation or roots).',
  INPUT_REFUSED: 'Call again, and answer what the client shows.',
  INPUT_ROUNDS_EXCEEDED: 'Give the tool with its arguments what it keeps asking for.',
  INPUT_TIMED_OUT: 'Call again, and answer within ten minutes.',
  LEASE_TIMED_OUT: 'Try again, or raise leased_children_max of the server or limits.lease_wait_s.',
  MCP_SERVER_BACKING_OFF:
    'Remove the cause that the message gives, then start the server by hand, which does not wait.',
  MCP_SERVER_DISABLED: 'Set enabled: true for it in the configuration.',
  MCP_SERVER_EXISTS: 'Choose another name, or replace the server with --force.',
  MCP_SERVER_INACTIVE: 'Use a mode that this build has: subprocess or remote.',
  MCP_SERVER_START_FAILED:
    'Do what the message proposes; the last lines that the server wrote stand beside it.',
  MCP_SERVER_STOPPED: 'Call again: the next call starts it.',
  MCP_SERVER_UNKNOWN: 'Use one of the ids that the message or the list of servers has.',
  METHOD_NOT_ALLOWED: 'Use POST for messages, GET for a stream, DELETE to end a session.',
  NOT_ACCEPTABLE: 'Send the header Accept: application/json, text/event-stream.',
  PARKED_CALL_GONE: 'Make the call again from the beginning.',
  PATH_UNKNOWN: 'Connect to /mcp for all servers, or to /mcp/SERVER for one.',
  PROTOCOL_VERSION_UNSUPPORTED: 'Use one of the revisions 2024-11-05 to 2026-07-28.',
  REQUEST_FORBIDDEN:
    'Connect to the loopback address, or add the name to http.allowed_hosts or http.allowed_origins.',
  REQUEST_STATE_EXPIRED: 'Make the call again, and answer within ten minutes.',
  REQUEST_STATE_FOREIGN: 'Make the call again as the client that is to answer.',
  REQUEST_STATE_INVALID: 'Send requestState back exactly as it came, or make the call again.',
  REQUEST_STATE_MISMATCH: 'Send method, name and arguments as they were in the first request.',
  REQUEST_STATE_REPLAYED: 'Use the requestState of the last answer, once.',
  SESSIONS_FULL: 'End sessions that are not used (DELETE), or raise limits.sessions_max.',
  SESSION_MISSING: 'Send initialize first, then its Mcp-Session-Id with every request.',
  SESSION_UNKNOWN: 'Send initialize again.',
  STATE_UNAVAILABLE:
    'Make the folder writable for this user only, or name another one with --state-dir.',
  STREAMS_FULL: 'Close streams that are not read, or raise limits.streams_max.',
  TASK_CANNOT_CROSS: 'Use a client of the revision that the server speaks.',
  TASK_LOST: 'Start the work again.',
  TOOL_UNKNOWN: 'Use one of the names that the message or the list of tools has.',
  UPSTREAM_ADDRESS_REFUSED:
    'Write the server into the configuration file: only servers of the file may have a private address.',
  UPSTREAM_ANSWER_INVALID:
    'Report it to the authors of the server: only JSON-RPC may stand on its stdout.',
  UPSTREAM_ANSWER_TOO_LARGE: 'Ask for less, or raise the limit that the message names.',
  UPSTREAM_ENDED:
    'Check what the call did before you repeat it; the log of the server says why it ended.',
  UPSTREAM_PROTOCOL_ERROR: 'Check that the endpoint is the one of an MCP server, path included.',
  UPSTREAM_QUEUE_FULL: 'Wait for the calls in flight, or restart the server.',
  UPSTREAM_RATE_LIMITED: 'Wait as long as the message says, then call less often.',
  UPSTREAM_REFUSED: 'Correct the call as the message of the server says.',
  UPSTREAM_TLS_FAILED:
    'Trust the authority of its certificate with tls.ca_cert_path, or correct the name in the endpoint.',
  UPSTREAM_UNAUTHORIZED: 'Give the server a valid credential: auth or headers of its entry.',
  UPSTREAM_UNAVAILABLE: 'Try again later; where it lasts, ask who runs the server.',
  UPSTREAM_UNREACHABLE: 'Check that the server runs, its endpoint, and the proxy variables.',
};
