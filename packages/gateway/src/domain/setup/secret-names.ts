import type { SecretNames } from './extract-secrets.ts';

/** Names of secrets beside those that a file has already; what is new is collected. */
export class SecretShelf implements SecretNames {
  readonly #values: Map<string, string>;
  readonly #taken: (name: string) => string | undefined;
  readonly added = new Map<string, string>();

  /**
   * @param stored what the file has
   * @param environment a variable there wins over the file, so its name can only stand for the same value
   */
  constructor(
    stored: Readonly<Record<string, string | undefined>>,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#values = new Map(
      Object.entries(stored).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    );
    this.#taken = (name) => environment[name];
  }

  nameFor(wanted: string, value: string): string {
    const base = /^[A-Z_]/.test(wanted) ? wanted : `_${wanted}`;
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? base : `${base}_${number}`;
      const stored = this.#values.get(name);
      const outside = this.#taken(name);
      if (outside !== undefined && outside !== value) continue;
      if (stored === value) return name;
      if (stored !== undefined) continue;
      this.#values.set(name, value);
      this.added.set(name, value);
      return name;
    }
  }
}
