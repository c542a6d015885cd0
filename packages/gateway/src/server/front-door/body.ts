import type { IncomingMessage } from 'node:http';
import { parseJson, type Json } from './json-text.ts';

export type Body =
  | Json
  | { readonly kind: 'too-large' }
  /** The gateway holds as many unfinished bodies as it may. */
  | { readonly kind: 'no-room' };

/** Bytes of bodies that have begun and not ended, over all requests. */
export interface BodyBudget {
  held: number;
}

export interface BodyLimits {
  readonly bytesMax: number;
  readonly heldBytesMax: number;
  readonly budget: BodyBudget;
}

const CRUMBS_MAX = 256;

/** Reads and parses a body. `done` is called once, or never where the client goes away before the end. */
export function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  done: (body: Body) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > limits.bytesMax) {
    done({ kind: 'too-large' });
    return;
  }
  const reading = new Reading(request, limits, done);
  request.on('data', reading.onData);
  request.on('end', reading.onEnd);
  request.on('close', reading.onClose);
}

class Reading {
  readonly #request: IncomingMessage;
  readonly #limits: BodyLimits;
  readonly #done: (body: Body) => void;
  #chunks: Buffer[] = [];
  #joined = 0;
  #bytes = 0;

  constructor(request: IncomingMessage, limits: BodyLimits, done: (body: Body) => void) {
    this.#request = request;
    this.#limits = limits;
    this.#done = done;
  }

  readonly onData = (chunk: Buffer): void => {
    const { bytesMax, heldBytesMax, budget } = this.#limits;
    this.#bytes += chunk.length;
    budget.held += chunk.length;
    if (this.#bytes > bytesMax) this.#giveUp({ kind: 'too-large' });
    else if (budget.held > heldBytesMax) this.#giveUp({ kind: 'no-room' });
    else this.#keep(chunk);
  };

  readonly onEnd = (): void => {
    const chunks = this.#chunks;
    const whole =
      chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    this.#release();
    this.#done(parseJson(whole, 'body'));
  };

  readonly onClose = (): void => this.#release();

  /** A body in crumbs is joined now and then: each costs far more memory than its bytes. */
  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk);
    if (this.#chunks.length - this.#joined < CRUMBS_MAX) return;
    this.#chunks.push(Buffer.concat(this.#chunks.splice(this.#joined)));
    this.#joined = this.#chunks.length;
  }

  #giveUp(body: Body): void {
    this.#request.off('data', this.onData);
    this.#request.off('end', this.onEnd);
    this.#request.pause();
    this.#release();
    this.#done(body);
  }

  #release(): void {
    this.#limits.budget.held -= this.#bytes;
    this.#bytes = 0;
    this.#chunks = [];
  }
}
