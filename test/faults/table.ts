/**
 * What goes wrong, and what follows: `docs/reference/faults.md` is written from this, and `faults.test.ts` breaks real
 * processes and looks that it is so.
 */
export interface FaultFacts {
  /** What happens. */
  readonly title: string;
  /** Code of the error that the client of the call gets; undefined where the call succeeds. */
  readonly code: string | undefined;
  /** How soon it has that, at the latest; with settings of the test that are named here. */
  readonly withinMs: number;
  readonly soon: string;
  /** State of the server right after. */
  readonly state: string;
  /** Events of the server that follow, in order; others may stand between. */
  readonly events: readonly string[];
  /** How it works again, without anybody who does something about it. */
  readonly recovery: string;
}

const CHANGED = 'McpServerStateChanged';
const COUNTED = 'McpServerFailureCounted';

export const FAULTS = {
  killed: {
    title: 'The process of a server is killed during a call (SIGKILL)',
    code: 'UPSTREAM_ENDED',
    withinMs: 1_000,
    soon: 'at once',
    state: 'dead',
    events: [COUNTED, CHANGED],
    recovery: 'The next call starts it again at once.',
  },
  frozen: {
    title: 'The process of a server stands still (SIGSTOP)',
    code: 'CALL_TIMED_OUT',
    withinMs: 2_500,
    soon: 'after `call_timeout_s` without a sign of life',
    state: 'degraded',
    events: [COUNTED, 'McpServerDegraded', CHANGED],
    recovery:
      'After `max_consecutive_failures` of them the process is ended, and the first call after the back-off starts a new one.',
  },
  'slow-start': {
    title: 'A server does not come up in time',
    code: 'MCP_SERVER_START_FAILED',
    withinMs: 3_000,
    soon: 'after `startup_timeout_s`',
    state: 'dead',
    events: [CHANGED, COUNTED, CHANGED],
    recovery: 'The first call after the back-off tries again.',
  },
  'crash-loop': {
    title: 'A server ends at every start',
    code: 'MCP_SERVER_START_FAILED',
    withinMs: 3_000,
    soon: 'when it has ended; during the back-off at once, with `MCP_SERVER_BACKING_OFF` and the time to wait',
    state: 'dead',
    events: [CHANGED, COUNTED, CHANGED],
    recovery: 'The first call after the back-off (2 s doubling to 60 s) tries again.',
  },
  garbage: {
    title: 'A server answers with a line that is no JSON',
    code: 'UPSTREAM_ANSWER_INVALID',
    withinMs: 1_000,
    soon: 'at once',
    state: 'ready',
    events: [COUNTED],
    recovery: 'Only that call is lost.',
  },
  flood: {
    title: 'A server prints 20,000 lines that nobody waits for',
    code: undefined,
    withinMs: 30_000,
    soon: 'when it gets to it: the server is read at 4 MiB a second, and answers to others are not held up',
    state: 'ready',
    events: [],
    recovery: 'Nothing is lost.',
  },
  'half-open': {
    title: 'A remote server takes connections and never answers',
    code: 'CALL_TIMED_OUT',
    withinMs: 3_000,
    soon: 'after `call_timeout_s`',
    state: 'ready',
    events: [COUNTED],
    recovery: 'The next call is sent on a connection of its own.',
  },
  unreachable: {
    title: 'A remote server is gone (connection refused)',
    code: 'UPSTREAM_UNREACHABLE',
    withinMs: 3_000,
    soon: 'after `http.max_retries` attempts to connect',
    state: 'dead',
    events: [COUNTED, CHANGED],
    recovery: 'The next call connects again.',
  },
  'status-404': {
    title: 'A remote server has forgotten the session (404)',
    code: undefined,
    withinMs: 1_000,
    soon: 'at once: a new session is opened and the call sent once more, since the server has not taken it',
    state: 'ready',
    events: [],
    recovery: 'Nothing is lost.',
  },
  'status-503': {
    title: 'A remote server answers 503',
    code: 'UPSTREAM_UNAVAILABLE',
    withinMs: 1_000,
    soon: 'at once',
    state: 'ready',
    events: [COUNTED],
    recovery: 'The next call is sent.',
  },
  'status-429': {
    title: 'A remote server answers 429',
    code: 'UPSTREAM_RATE_LIMITED',
    withinMs: 1_000,
    soon: 'at once, with the `Retry-After` of the server',
    state: 'ready',
    events: [],
    recovery: 'The next call is sent.',
  },
  tls: {
    title: 'The certificate of a remote server is not trusted',
    code: 'UPSTREAM_TLS_FAILED',
    withinMs: 3_000,
    soon: 'at once',
    state: 'dead',
    events: [CHANGED, COUNTED, CHANGED],
    recovery: 'The first call after the back-off tries again.',
  },
  emfile: {
    title: 'The gateway has no file descriptor left to start a server with (EMFILE)',
    code: 'MCP_SERVER_START_FAILED',
    withinMs: 3_000,
    soon: 'at once',
    state: 'dead',
    events: [CHANGED, COUNTED, CHANGED],
    recovery: 'Once descriptors are free the first call after the back-off starts it.',
  },
  'disk-full': {
    title: 'The disk of the event log is full',
    code: undefined,
    withinMs: 1_000,
    soon: 'calls are not concerned; `/health/ready` says 503 where the folder was configured',
    state: 'ready',
    events: [],
    recovery: 'Events wait in memory and are written in order once there is room.',
  },
  'database-killed': {
    title:
      'The database of the event log is killed (SIGKILL of PostgreSQL and all of its processes)',
    code: undefined,
    withinMs: 1_000,
    soon: 'calls are not concerned; `/health/ready` says 503 until it runs again',
    state: 'ready',
    events: [],
    recovery:
      'Events wait in memory and are written in order once it runs again; what was stored is there.',
  },
} as const satisfies Record<string, FaultFacts>;

export type FaultName = keyof typeof FAULTS;
