/** Where the whole of what was cut is kept for a while. */
import type { UseCaseContext } from '../use-case.ts';

/** Whose continuations these are: a session, or the principal behind modern requests. */
export const ownerOf = ({ principal, caller }: UseCaseContext): string =>
  JSON.stringify([principal, caller.user.asker.era, caller.user.asker.owner]);

/** Which text, and who asks: a text is there for the caller that it was made for and for nobody else. */
export interface ContinuationKey {
  readonly id: string;
  readonly owner: string;
}

export interface ContinuationPage {
  readonly data: string;
  readonly totalBytes: number;
  /** Behind the last byte of the page. */
  readonly nextOffset: number;
}

export interface ContinuationStore {
  /** Keeps a text; false where there is no room for it. Never rejects. */
  put(key: ContinuationKey, text: Buffer): Promise<boolean>;
  /** The characters that begin in `limit` bytes from `offset`; undefined where the text is not, or not the caller's. */
  page(
    key: ContinuationKey,
    range: { readonly offset: number; readonly limit: number },
  ): Promise<ContinuationPage | undefined>;
  /** Whether there was such a text. */
  remove(key: ContinuationKey): Promise<boolean>;
}

/** For a gateway that keeps nothing. */
export const NO_CONTINUATIONS: ContinuationStore = {
  put: () => Promise.resolve(false),
  page: () => Promise.resolve(undefined),
  remove: () => Promise.resolve(false),
};
