/** What was seen of one server while it was checked. Texts from the server arrive redacted. */
import type { JsonObject } from '../protocol/json-rpc.ts';
import type { Era } from '../protocol/revisions.ts';
import type { FindingId } from './finding.ts';

/** What the configuration says, as far as it can be judged without a start. */
export interface ConfiguredFacts {
  readonly id: string;
  /** Variables that the entry refers to and that are not set: it was not started. */
  readonly envUnset: readonly string[];
  /** Names under `env` whose value is empty. */
  readonly envEmpty: readonly string[];
  /** Words of `args` that are paths to nothing. */
  readonly pathsMissing: readonly string[];
  readonly startupTimeoutMs: number;
  readonly predefinedTools: readonly string[];
  readonly isTlsUnverified: boolean;
  /** A credential goes to another machine without TLS. */
  readonly isCredentialUnprotected: boolean;
}

/** The program behind the configured command. */
export interface CommandFacts {
  /** As configured, without its arguments. */
  readonly configured: string;
  /** What runs. */
  readonly file: string;
  /** The runner that was left out. */
  readonly via: string | undefined;
  readonly runtime: string | undefined;
  readonly runtimeVersion: string | undefined;
  /** Of a container runtime: whether its daemon answers. */
  readonly daemon: 'answers' | 'silent' | undefined;
}

export interface HelloFacts {
  readonly era: Era;
  readonly revision: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly capabilities: readonly string[];
}

export interface FailureFacts {
  readonly id: FindingId;
  readonly message: string;
  readonly fix: string | undefined;
}

export interface ListFacts {
  readonly tools: readonly JsonObject[];
  /** Of all tools as JSON. */
  readonly bytes: number;
  readonly incomplete: string | undefined;
  /** The second list was the same. */
  readonly isStable: boolean;
}

export interface OutputFacts {
  /** Lines on stdout that were no JSON-RPC. */
  readonly noiseLines: number;
  readonly noise: string | undefined;
  /** Lines of stderr that look like errors, the first few. */
  readonly errors: readonly string[];
  readonly errorLines: number;
}

export interface EndingFacts {
  /** What it took to end it; `itself`: it was gone before. */
  readonly by: 'stdin' | 'sigterm' | 'sigkill' | 'itself';
  /** Processes that it started and that were still there afterwards. */
  readonly escaped: readonly string[];
}

export interface CallFacts {
  readonly tool: string;
  /** Undefined where it was answered. */
  readonly failure: string | undefined;
  /** What the tool said where it reported an error. */
  readonly toolError: string | undefined;
}

/** Milliseconds; undefined where it did not come to that. */
export interface Timings {
  readonly spawn?: number | undefined;
  readonly handshake?: number | undefined;
  readonly firstList?: number | undefined;
  readonly secondList?: number | undefined;
  readonly call?: number | undefined;
  readonly stop?: number | undefined;
}

export interface ServerCheck {
  readonly configured: ConfiguredFacts;
  /** Why nothing was started. */
  readonly notStarted?: 'disabled' | FailureFacts | undefined;
  readonly command?: CommandFacts | undefined;
  readonly startFailure?: FailureFacts | undefined;
  readonly hello?: HelloFacts | undefined;
  readonly list?: ListFacts | undefined;
  readonly listFailure?: { readonly message: string; readonly fix: string | undefined } | undefined;
  readonly call?: CallFacts | undefined;
  readonly output?: OutputFacts | undefined;
  readonly ending?: EndingFacts | undefined;
  readonly timings: Timings;
}
