/** Lines of JSON-RPC on their way to one client, in the order in which they were given, bounded in bytes. */
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Bytes } from '../../application/ports.ts';
import { giveBack } from './give-back.ts';

/** From here on waiting for the end of a turn costs less than a write for each line. */
const BATCHED_FROM_REPLIES = 8;

export interface LineOutputOptions {
  readonly stream: Writable;
  /** What may wait for the client; beyond it the client counts as gone. */
  readonly bytesMax: number;
  /** Requests whose answer is outstanding. */
  readonly outstanding: { readonly size: number };
  /** Called once, where nothing can be written any more. */
  readonly onGone: (reason: 'output gone' | 'client too slow') => void;
}

export class LineOutput {
  readonly #options: LineOutputOptions;
  readonly #stream: Writable;
  #queue: string[] = [];
  #queuedBytes = 0;
  #flushScheduled = false;
  #isGone = false;
  readonly #onTurnEnd = (): void => {
    this.#flushScheduled = false;
    this.#flush();
  };

  constructor(options: LineOutputOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.#stream.on('error', () => this.#lose('output gone'));
    this.#stream.on('close', () => this.#lose('output gone'));
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Bytes that the client has not taken yet. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#stream.writableLength;
  }

  /** One line, one byte a character, without its newline. */
  write(line: string): void {
    if (!this.#mayWrite()) return;
    if (!this.#flushScheduled && this.#options.outstanding.size < BATCHED_FROM_REPLIES) {
      this.#stream.write(`${line}\n`, 'latin1');
      return;
    }
    this.#queue.push(line);
    this.#queuedBytes += line.length + 1;
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  /** One line in parts, without its newline. @param areOurs nobody else reads the parts once they are sent */
  writeParts(parts: readonly Bytes[], areOurs = false): void {
    if (parts.every((part) => typeof part === 'string')) {
      this.write(parts.join(''));
      return;
    }
    if (!this.#mayWrite()) return;
    this.#flush();
    this.#stream.cork();
    for (const part of parts) if (part.length > 0) this.#stream.write(part, 'latin1');
    // A stream that hands the parts on in memory still needs them when it has taken them.
    const isSent = areOurs && this.#stream instanceof Socket;
    this.#stream.write('\n', 'latin1', () => isSent && giveBack(parts));
    this.#stream.uncork();
  }

  /** Writes what is queued and ends the stream; what the client has not taken after `withinMs` is lost. */
  async end(withinMs: number): Promise<void> {
    this.#flush();
    const wasGone = this.#isGone;
    this.#isGone = true; // a line that comes later would break the stream, and lose those before it
    if (!wasGone) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        const over = (): void => {
          clearTimeout(timer);
          resolve();
        };
        this.#stream.once('close', over);
        this.#stream.end(over);
      });
    }
    this.#stream.destroy();
  }

  #mayWrite(): boolean {
    if (this.#isGone) return false;
    if (this.waitingBytes <= this.#options.bytesMax) return true;
    this.#lose('client too slow');
    this.#stream.destroy();
    return false;
  }

  #flush(): void {
    if (this.#queue.length === 0) return;
    const text = `${this.#queue.join('\n')}\n`;
    this.#queue = [];
    this.#queuedBytes = 0;
    if (!this.#isGone) this.#stream.write(text, 'latin1');
  }

  #lose(reason: 'output gone' | 'client too slow'): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.onGone(reason);
  }
}
