/** What one running child is made to tell of its resources, in the way of its era. */

export interface ResourceSource {
  /** Whether the server says of itself that it tells of changes. */
  readonly isDeclared: boolean;
  /**
   * Resolves when the server has agreed to tell of this URI. Asked for again while it does, it is not asked again.
   * @throws RpcRefusal where the server refuses; NotHonoured where it leaves the URI out; Fault
   */
  subscribe(uri: string): Promise<void>;
  /** Nobody wants it any more. */
  unsubscribe(uri: string): void;
  /** The child is gone, or the gateway ends. */
  close(): void;
}

/** The server acknowledged a subscription without this URI, and gave no reason. */
export class NotHonoured extends Error {
  override readonly name = 'NotHonoured';
}
