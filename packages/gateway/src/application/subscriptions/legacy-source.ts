/** A child of the legacy era: `resources/subscribe` and `resources/unsubscribe`, one at a time for each URI. */
import { isObject } from '../../domain/protocol/json-rpc.ts';
import { ask } from '../calls/ask.ts';
import type { UpstreamConnection } from '../ports.ts';
import type { ResourceSource } from './resource-source.ts';

const SUBSCRIBE_MS_MAX = 30_000;

export class LegacySource implements ResourceSource {
  readonly #connection: UpstreamConnection;
  readonly #subscribed = new Map<string, Promise<void>>();
  /** Over HTTP two requests may overtake each other: what is being unsubscribed from is waited for. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(connection: UpstreamConnection) {
    this.#connection = connection;
  }

  get isDeclared(): boolean {
    return declaresSubscribe(this.#connection);
  }

  subscribe(uri: string): Promise<void> {
    const known = this.#subscribed.get(uri);
    if (known !== undefined) return known;
    const leaving = this.#leaving.get(uri);
    const subscribed =
      leaving === undefined
        ? this.#ask('resources/subscribe', uri)
        : leaving.then(() => this.#ask('resources/subscribe', uri));
    this.#subscribed.set(uri, subscribed);
    subscribed.catch(() => {
      if (this.#subscribed.get(uri) === subscribed) this.#subscribed.delete(uri);
    });
    return subscribed;
  }

  unsubscribe(uri: string): void {
    const subscribed = this.#subscribed.get(uri);
    if (subscribed === undefined) return;
    this.#subscribed.delete(uri);
    // A server that refuses goes on telling, and nobody is told of it.
    const left = subscribed
      .then(() => this.#ask('resources/unsubscribe', uri))
      .catch(() => undefined);
    this.#leaving.set(uri, left);
    void left.then(() => {
      if (this.#leaving.get(uri) === left) this.#leaving.delete(uri);
    });
  }

  close(): void {
    this.#subscribed.clear();
  }

  async #ask(method: string, uri: string): Promise<void> {
    await ask(this.#connection, method, { uri }, { timeoutMs: SUBSCRIBE_MS_MAX, name: uri });
  }
}

export function declaresSubscribe({ hello }: UpstreamConnection): boolean {
  const capabilities = isObject(hello['capabilities']) ? hello['capabilities'] : {};
  const resources = capabilities['resources'];
  return isObject(resources) && resources['subscribe'] === true;
}
