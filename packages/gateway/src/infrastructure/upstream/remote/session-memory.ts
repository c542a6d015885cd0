/** What a new session has to be told to be what the old one was: subscriptions, and the level of the log. */
import type { Routing, UpstreamCall } from '../../../application/ports.ts';
import { routingOf } from '../../../application/calls/ask.ts';

const REMEMBERED_MAX = 1_024;

export class SessionMemory {
  readonly #parts = new Map<string, readonly string[]>();

  note({ parts }: UpstreamCall, { method, name }: Routing): void {
    switch (method) {
      case 'resources/subscribe':
        if (this.#parts.size < REMEMBERED_MAX) this.#parts.set(`${method} ${name}`, parts);
        return;
      case 'resources/unsubscribe':
        this.#parts.delete(`resources/subscribe ${name}`);
        return;
      case 'logging/setLevel':
        this.#parts.set(method, parts);
        return;
      default: // leaves nothing behind
    }
  }

  /** The resources that the session is subscribed to. */
  get uris(): readonly string[] {
    const prefix = 'resources/subscribe ';
    return [...this.#parts.keys()].flatMap((key) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
    );
  }

  /** The same requests once more, whose answers nobody waits for. */
  lines(): readonly UpstreamCall[] {
    return [...this.#parts].map(([key, parts]) => ({
      parts,
      routing: routingOf(key.split(' ', 1)[0] ?? ''),
      answered: () => undefined,
      notified: () => undefined,
      lost: () => undefined,
    }));
  }
}
