/** What the application needs from the world outside. Adapters live in `infrastructure`. */
import type { Fault } from '@mcp-hangar/kernel/errors';
import type { Append, JsonValue } from '@mcp-hangar/kernel/event-store';
import type { JsonObject } from '../domain/protocol/json-rpc.ts';
import type { Era } from '../domain/protocol/revisions.ts';
import type { ServerMessage } from '../domain/protocol/server-message.ts';
import type { ExecutionSettings } from '../domain/execution/settings.ts';
import type { Generation } from '../domain/mcp-server/generations.ts';
import type { McpServerSpec } from '../domain/mcp-server/spec.ts';
import type { EffectiveValue } from '../domain/effective-config.ts';
import type { ServerCatalog } from '../domain/catalog/server-catalog.ts';
import type { EraVerdict } from '../domain/mcp-server/eras.ts';
import type { Owner } from './servers/child.ts';

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, event: string): void;
  info(fields: Readonly<Record<string, unknown>>, event: string): void;
  warn(fields: Readonly<Record<string, unknown>>, event: string): void;
  error(fields: Readonly<Record<string, unknown>>, event: string): void;
}

/** A fact, in the form in which it is stored. */
export interface DomainEvent {
  readonly type: string;
  readonly data: { readonly [key: string]: JsonValue };
}

/** Takes facts on their way to the event log, in order. Never waits and never throws. */
export interface EventSink {
  /** @param id a UUID; a new one unless given */
  record(stream: string, event: DomainEvent, id?: string): void;
}

/** An acquisition of a lease: the store refuses what is appended in its name once there is a later one. */
export type Fence = NonNullable<Append['guard']>;

/** How what may be this gateway's or another's is recorded, where several share a store. */
export interface Fencing {
  /** For what this gateway begins. */
  readonly own: () => Fence;
  /** @param onEnd it is stored (true), or it will not be: the store has refused it. Told later; must not throw */
  readonly record: (
    stream: string,
    event: DomainEvent,
    fence: Fence,
    onEnd: (isStored: boolean) => void,
  ) => void;
  /** The store has refused what was recorded in the name of the own one. */
  readonly refused: () => void;
}

/** What is remembered of one server over restarts. */
export interface ServerMemory {
  readonly eras: EraVerdict;
  /** By catalogue key, the most recent last. */
  readonly catalogs: readonly (readonly [key: string, catalog: ServerCatalog])[];
}

/** Keeps what was learnt of servers, so that lists are answered before anything has started. */
export interface MemoryStore {
  /** What is remembered of exactly this server: nothing where what is launched has changed. Never throws. */
  load(spec: McpServerSpec): ServerMemory | undefined;
  /** In the background, the latest wins; a failure costs the memory and nothing else. */
  save(spec: McpServerSpec, memory: ServerMemory): void;
}

/**
 * A call that waits: for its client's answers, later also for an approval. The live end of the call stays with the
 * process that made it; this is what is kept and shown of it.
 */
export interface ParkedCall {
  readonly id: string;
  /** Who made it, and who alone may go on with it. */
  readonly principal: string;
  readonly mcpServerId: string | undefined;
  readonly method: string;
  /** Of tool, prompt or resource, as the client named it. */
  readonly name: string | undefined;
  /** Of method, name and arguments. */
  readonly requestDigest: string;
  readonly reason: 'input' | 'approval';
  /** Methods of the questions that wait for an answer. */
  readonly asks: readonly string[];
  /** Times that the client was asked so far. */
  readonly round: number;
  readonly parkedAtMs: number;
  readonly expiresAtMs: number;
}

/** Where parked calls are kept. */
export interface ParkedCallStore {
  /** Keeps it, or what is new of it; false where there is room for no more. */
  put(call: ParkedCall): boolean;
  find(id: string): ParkedCall | undefined;
  remove(id: string): void;
  /** The oldest first. */
  list(): readonly ParkedCall[];
}

/** What a sealed text turns out to be. */
export type Unsealed =
  | { readonly kind: 'ours'; readonly text: string }
  /** Sealed by another gateway, or by this one before it was started again. */
  | { readonly kind: 'foreign' }
  /** Sealed here and changed since. */
  | { readonly kind: 'broken' }
  /** No sealed text at all. */
  | { readonly kind: 'unknown' };

/** Seals texts that clients carry for us: they can neither read nor change them. */
export interface Sealer {
  seal(text: string): string;
  open(sealed: string): Unsealed;
}

/** Bytes on their way through: a string holds one byte a character (latin1). */
export type Bytes = string | Buffer;

/** A server's answer, cut around its id so that the client's own id can be put there. */
export interface RawAnswer {
  readonly isError: boolean;
  readonly before: readonly Bytes[];
  readonly after: readonly Bytes[];
  readonly bytes: number;
}

/** What a transport with headers says of a request outside its body. */
export interface Routing {
  readonly method: string;
  /** Of tool, prompt or resource, as the server knows it. */
  readonly name: string | undefined;
  /** `Mcp-Param-*` headers by lower-case name, values encoded. */
  readonly paramHeaders: Readonly<Record<string, string>>;
}

/** The side of a request that waits on an upstream connection. One of `answered` and `lost` is called, once. */
export interface UpstreamCall {
  /** The request cut where the gateway's id goes; joined with the id it is the line for the server. */
  readonly parts: readonly string[];
  /** Asked for by transports with headers only. */
  readonly routing: Routing;
  /** Who hears what the server says on the stream of this call; nobody where it is the gateway's own. */
  readonly owner?: Owner | undefined;
  /** The server asked something that the client has not declared: what it would have had to. */
  askedInVain?: JsonObject | undefined;
  answered(answer: RawAnswer): void;
  /** Progress, or for a subscription any notification of it. */
  notified(message: ServerMessage): void;
  /** There will be no answer. @param isUnsent nothing of the request has reached the server, as is known for certain */
  lost(fault: Fault, isUnsent?: boolean): void;
}

/** One live connection to one server. Ids on it are the gateway's own. */
export interface UpstreamConnection {
  readonly era: Era;
  /** The answer to `initialize` or `server/discover`. */
  readonly hello: JsonObject;
  /** Of the process; undefined where the server is remote. */
  readonly pid: number | undefined;
  readonly pending: number;
  /** The transport repeats arguments in headers, so that tools which annotate them wrongly cannot be called. */
  readonly mirrorsParams?: boolean;
  /** What the server says on one call may overtake what it said on another. */
  readonly mayReorder?: boolean;
  /** @throws Fault UPSTREAM_QUEUE_FULL, UPSTREAM_ENDED */
  send(call: UpstreamCall): number;
  /** Gives up waiting: tells the server, and drops what it may still answer. Unknown ids are ignored. */
  cancel(id: number, reason: string): void;
  /** Who hears progress on a call that was answered, where its work goes on as a task; undefined ends that. */
  hearProgress?(id: number, listener: ((message: ServerMessage) => void) | undefined): void;
  /** Writes a notification or an answer as it is (UTF-16 text, no newline). */
  write(line: string): void;
  /** Ends the server, kindly first. Resolves when nothing of it is left. */
  close(reason: string): Promise<void>;
}

/**
 * What a connection tells its owner, beside the answers to calls. `during` is the call whose stream a message came
 * on, where the transport has streams; on stdio nobody knows.
 */
export interface ConnectionObserver {
  request(message: Extract<ServerMessage, { kind: 'request' }>, during?: UpstreamCall): void;
  notification(
    message: Extract<ServerMessage, { kind: 'notification' }>,
    during?: UpstreamCall,
  ): void;
  /** The server is gone; every pending call was told before. */
  ended(detail: string): void;
}

export interface StartOptions {
  readonly era: Era | 'unknown';
  /** Told to the server in the handshake. */
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
  readonly observer: ConnectionObserver;
  readonly signal: AbortSignal;
  /** Told when the server is reached and the handshake begins; again where it has to begin anew. */
  readonly onHandshake?: () => void;
  /** Told of every line that the server's process writes to stderr, without secrets. */
  readonly onStderr?: (line: StderrLine) => void;
}

export interface StderrLine {
  readonly atMs: number;
  readonly pid: number;
  readonly line: string;
}

/** Starts a server, or connects to a remote one, and speaks the handshake with it. */
export interface UpstreamLauncher {
  /**
   * @throws Fault MCP_SERVER_START_FAILED, or the UPSTREAM_ fault that kept a remote server away, with a diagnosis;
   * nothing of the attempt is left behind.
   */
  start(spec: McpServerSpec, options: StartOptions): Promise<UpstreamConnection>;
}

/** What a configuration file comes to now. */
export interface NextConfiguration extends Generation {
  readonly execution: ExecutionSettings;
  /** Keys that have changed and that a gateway reads when it starts only, with what they were and are. */
  readonly needRestart: readonly string[];
  /** It is what is served from now on. */
  adopt(): void;
}

/** The configuration of the gateway, where it can be read again. */
export interface ConfigurationSource {
  /** Absolute. */
  readonly path: string;
  /**
   * Undefined where the content is what is served.
   * @param isAsked a content that was refused before is looked at again
   * @throws Fault CONFIG_INVALID
   */
  next(isAsked: boolean): Promise<NextConfiguration | undefined>;
}

/** What the gateway was built from. */
export interface ServedConfiguration {
  /** Absolute; undefined where there is none. */
  readonly file: string | undefined;
  readonly values: readonly EffectiveValue[];
}

/** Tells it, with fingerprints of this salt. Rejects with Fault CONFIG_INVALID where it cannot be read any more. */
export type DescribeConfiguration = (salt: string) => Promise<ServedConfiguration>;
