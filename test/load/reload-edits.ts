/** Random edits of a configuration with servers that are never touched, and others that come, go and change. */
import type { Config } from '../support/gateway.ts';
import { upstream } from '../support/upstream.ts';

export interface Wanted {
  /** Never touched; they are called all the time. */
  readonly stable: number;
  /** They run, and are changed under the calls. */
  readonly moving: number;
  /** All of them, most never started. */
  readonly servers: number;
}

interface Entry {
  readonly args: readonly string[];
  readonly keys: Readonly<Record<string, unknown>>;
}

const EXTRA_MAX = 5;

export class Edits {
  readonly stable: readonly string[];
  readonly moving: readonly string[];
  readonly #random: () => number;
  readonly #rest: Config;
  #entries: Map<string, Entry>;
  #made = 0;

  constructor({ stable, moving, servers }: Wanted, seed: number, rest: Config) {
    this.#random = generator(seed);
    this.#rest = rest;
    this.stable = Array.from({ length: stable }, (_, index) => `stable-${index}`);
    this.moving = Array.from({ length: moving }, (_, index) => `moving-${index}`);
    const cold = Array.from({ length: servers - stable - moving }, (_, index) => `cold-${index}`);
    const ids = [...this.stable, ...this.moving, ...cold];
    this.#entries = new Map(ids.map((id) => [id, { args: [], keys: {} }]));
  }

  get text(): string {
    const entries = [...this.#entries].map(([id, { args, keys }]) => [id, upstream(args, keys)]);
    const document = { mcp_servers: Object.fromEntries(entries) as Config, ...this.#rest };
    return `${JSON.stringify(document)}\n# ${this.#made}\n`;
  }

  /** Servers that are not switched off. */
  get enabled(): number {
    return [...this.#entries.values()].filter(({ keys }) => keys['enabled'] !== false).length;
  }

  /** Another text; now and then one that is no configuration, after which the next begins where this one stood. */
  next(): { readonly text: string; readonly isValid: boolean } {
    this.#made += 1;
    if (this.#chance(0.05)) return { text: 'mcp_servers: [', isValid: false };
    const edits = 1 + Math.floor(this.#random() * 3);
    for (let edit = 0; edit < edits; edit += 1) this.#edit();
    return { text: this.text, isValid: true };
  }

  #edit(): void {
    const id = this.#pick([...this.#entries.keys()].filter((each) => !this.stable.includes(each)));
    const entry = this.#entries.get(id);
    const what = this.#random();
    if (what < 0.15)
      this.#entries.set(`cold-new-${this.#made}-${id.length}`, { args: [], keys: {} });
    else if (entry === undefined) return;
    else if (what < 0.3 && !this.moving.includes(id)) this.#entries.delete(id);
    else if (what < 0.6)
      this.#entries.set(id, { ...entry, args: [`--tools=${this.#upTo(EXTRA_MAX)}`] });
    else if (what < 0.7)
      this.#entries.set(id, { ...entry, keys: { ...entry.keys, enabled: this.#chance(0.7) } });
    else if (what < 0.95)
      this.#entries.set(id, {
        ...entry,
        keys: { ...entry.keys, call_timeout_s: 20 + this.#upTo(20), tools: { hide: ['crash'] } },
      });
    else this.#entries = new Map([...this.#entries].toSorted(() => this.#random() - 0.5));
  }

  #pick(ids: readonly string[]): string {
    return ids[this.#upTo(ids.length)] ?? '';
  }

  #upTo(max: number): number {
    return Math.floor(this.#random() * max);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
