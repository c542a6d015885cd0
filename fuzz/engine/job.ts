/** What `fuzz/run.ts` and its workers say to each other. */
import type { FuzzReport } from './fuzzer.ts';

export interface Job {
  readonly target: string;
  readonly seed: number;
  readonly ms: number;
  readonly executionsMax: number;
  /** File that always holds the inputs which are being tried. */
  readonly journal: string;
  /** Only these, base64, in place of what is in the repository. */
  readonly inputs?: readonly string[] | undefined;
}

export type FromWorker =
  | { readonly kind: 'alive' }
  | {
      readonly kind: 'finding';
      readonly hash: string;
      readonly what: string;
      readonly input: string;
    }
  | { readonly kind: 'report'; readonly report: FuzzReport };
