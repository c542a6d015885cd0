import type { JsonObject } from '../protocol/json-rpc.ts';
import type { Era } from '../protocol/revisions.ts';

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

export interface ServerCatalog {
  readonly era: Era;
  /** The answer to `initialize` or `server/discover`. */
  readonly hello: JsonObject;
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  /** Why it is not all that the server has; undefined where it is. */
  readonly incomplete?: string | undefined;
  /** Names of tools that it lists and that must be neither offered nor called. */
  readonly uncallable?: ReadonlySet<unknown> | undefined;
}
