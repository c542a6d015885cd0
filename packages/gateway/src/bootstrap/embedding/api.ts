/**
 * What a program that embeds the gateway sees, beside `Hangar` and `HangarError`. These types are the published ones:
 * this file imports nothing.
 */

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Where log lines go: `(fields, event)`, as pino takes them. */
export interface HangarLogger {
  debug(fields: JsonObject, event: string): void;
  info(fields: JsonObject, event: string): void;
  warn(fields: JsonObject, event: string): void;
  error(fields: JsonObject, event: string): void;
}

export interface HangarOptions {
  /**
   * The folder in which the event log and the lists of servers outlive the program. Without it they are kept in
   * memory. A folder has one gateway at a time.
   */
  readonly stateDir?: string;
  /** Without it nothing is logged. */
  readonly logger?: HangarLogger;
  /** Of which servers get the allow-listed part, and what `${NAME}` in a text refers to; `process.env` unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A configuration as text: YAML or JSON, with `${NAME}` as in a file. */
export interface ConfigText {
  readonly text: string;
}

/** How far a call or a start is. `executing` is told again with each progress of the server itself. */
export interface Progress {
  readonly stage:
    | 'cold_start'
    | 'launching'
    | 'initializing'
    | 'discovering_tools'
    | 'connecting'
    | 'ready'
    | 'executing'
    | 'retrying'
    | 'processing'
    | 'complete'
    | 'failed';
  readonly message?: string;
  /** Of the server itself. */
  readonly progress?: number;
  readonly total?: number;
}

export interface InvokeOptions {
  /** From the moment that the server has the call; 30,000 unless given, 100 to 3,600,000. */
  readonly timeoutMs?: number;
  /** Aborted, the server is told and the promise rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface StartOptions {
  readonly onProgress?: (progress: Progress) => void;
}

/** A result as the server gave it. `isError` is an answer of the tool, not an error of the call. */
export interface ToolResult {
  readonly content?: readonly { readonly type: string; readonly [member: string]: unknown }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly [member: string]: unknown;
}

/** A tool as the server lists it. */
export interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject;
  readonly [member: string]: unknown;
}

export type McpServerState = 'cold' | 'initializing' | 'ready' | 'degraded' | 'dead' | 'disabled';

export interface McpServerSummary {
  readonly id: string;
  readonly state: McpServerState;
  /** `subprocess`, `remote`, … */
  readonly mode: string;
  readonly isReady: boolean;
  /** Not started: its first call does that. */
  readonly isCold: boolean;
  /** As far as its list is known. */
  readonly toolsCount: number;
  readonly lastUsedAt: Date | undefined;
  readonly description: string | undefined;
  /** Why it does not run, where there is something to say. */
  readonly note: string | undefined;
}

export interface McpServerHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  readonly isReady: boolean;
  /** A call now would try to start it, instead of being told to wait. */
  readonly canRetry: boolean;
  readonly consecutiveFailures: number;
  readonly totalInvocations: number;
  readonly totalFailures: number;
  /** Why it does not run, where there is something to say. */
  readonly note: string | undefined;
}

export interface McpServerDetails extends McpServerSummary {
  /** As far as they are known; `Hangar.tools` starts the server to find out. */
  readonly tools: readonly Tool[];
  readonly health: McpServerHealth;
}

export interface StartedMcpServer {
  readonly id: string;
  readonly state: McpServerState;
  readonly tools: readonly string[];
}

export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly servers: Readonly<Record<string, McpServerState>>;
  readonly allReady: boolean;
  readonly anyReady: boolean;
}

export interface ListenOptions {
  /** `http.host` of the configuration unless given. */
  readonly host?: string;
  /** `http.port` of the configuration unless given; 0 lets the system choose. */
  readonly port?: number;
  /** Without it only loopback addresses are listened at: nobody has to log in. */
  readonly unsafeNoAuth?: boolean;
}

export interface ReloadOptions {
  /** Only says what it would do. */
  readonly isDryRun?: boolean;
}

/** What a reload has done, or would. Servers and groups by id. */
export interface Reloaded {
  /** The configuration is what is served already. */
  readonly isIdentical: boolean;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  /** Of those updated: they stop, and start again with their next call. */
  readonly restarted: readonly string[];
  /** Which of all these ids are groups, or were. */
  readonly groups: readonly string[];
  readonly durationMs: number;
}

/** One MCP client on a pair of streams. */
export interface Connection {
  /** Resolves when the client is gone. */
  readonly closed: Promise<void>;
  /** Answers what is in flight, then ends. */
  close(): Promise<void>;
}

/** A fact of the event log. */
export interface HangarEvent {
  /** Such as `McpServerStarted`, `ToolCallCompleted`: docs/guides/events.md. */
  readonly type: string;
  readonly id: string;
  /** Such as `mcp_server:ID`. */
  readonly stream: string;
  readonly occurredAt: Date;
  readonly data: JsonObject;
}

export interface EventOptions {
  /** Only these types. */
  readonly types?: readonly string[];
  /** Begin with so many that happened before, 0 to 100,000; none unless given. */
  readonly past?: number;
  /** Aborted, the events end. */
  readonly signal?: AbortSignal;
}

/** What servers do and what is called, in order. They end with the gateway. */
export interface HangarEvents extends AsyncIterable<HangarEvent> {
  /** What comes from now on, at the pace of the reader: one that is 10,000 events behind may miss some. */
  follow(options?: EventOptions): AsyncIterableIterator<HangarEvent>;
  /**
   * Calls the listener for each. Answers what ends that. What the listener throws goes to the log.
   */
  subscribe(listener: (event: HangarEvent) => void, options?: EventOptions): () => void;
}
