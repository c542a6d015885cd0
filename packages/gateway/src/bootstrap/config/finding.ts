import type { ConfigNode } from './config-node.ts';
import type { ConfigPath } from './problem.ts';

/** What a rule between keys finds wrong at a node, before it is known where in the file that stands. */
export interface Finding {
  readonly node: ConfigNode;
  readonly path: ConfigPath;
  readonly message: string;
  readonly fix: string;
}

/** One entry of the map of servers, or one member that a group defines. */
export interface ServerNode {
  readonly id: string;
  readonly node: ConfigNode;
  readonly path: ConfigPath;
}
