/** Which eras a server has shown to speak. */
import type { Era } from '../protocol/revisions.ts';

/** As it is kept over restarts. */
export interface EraVerdict {
  /** Undefined where nobody asked. */
  readonly legacy: boolean | undefined;
  readonly modern: boolean | undefined;
  /** When the server last showed it. Milliseconds since the Unix epoch. */
  readonly seenAtMs: number;
}

/** A server that spoke only one era may have learnt the other: it is asked again after a week. */
const VERDICT_MS_MAX = 604_800_000;

export class EraMemory {
  #legacy: boolean | undefined;
  #modern: boolean | undefined;
  /** What the configuration says wins over what was seen. */
  readonly #override: Era | undefined;

  constructor(override: Era | undefined, remembered: EraVerdict | undefined, nowMs: number) {
    this.#override = override;
    if (remembered === undefined || nowMs - remembered.seenAtMs > VERDICT_MS_MAX) return;
    this.#legacy = remembered.legacy;
    this.#modern = remembered.modern;
  }

  /** The era in which a client of `era` would be served; unknown until the server was asked. */
  eraFor(era: Era): Era | 'unknown' {
    if (this.#override !== undefined) return this.#override;
    const speaks = era === 'legacy' ? this.#legacy : this.#modern;
    if (speaks === true) return era;
    if (speaks === false) return era === 'modern' ? 'legacy' : 'modern';
    return era === 'legacy' ? 'legacy' : 'unknown';
  }

  /** It was asked in one era and answered in another, or the same. */
  learn(asked: Era | 'unknown', spoken: Era): void {
    if (spoken === 'legacy') this.#legacy = true;
    else this.#modern = true;
    if (asked === 'unknown' && spoken === 'legacy') this.#modern = false;
    if (asked === 'legacy' && spoken === 'modern') this.#legacy = false;
    if (asked === 'modern' && spoken === 'legacy') this.#modern = false;
  }

  verdict(nowMs: number): EraVerdict {
    return { legacy: this.#legacy, modern: this.#modern, seenAtMs: nowMs };
  }
}
