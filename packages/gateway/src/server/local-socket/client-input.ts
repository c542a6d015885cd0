/** What one client of a bridge writes, as a stream that the owner can cut between two messages. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

const NEWLINE = 10;

/**
 * Everything from the socket up to its end, or up to the end of the line in which `cut` is called. What comes later is
 * thrown away unread: the bridge still has it and sends it to the next gateway.
 */
export class ClientInput extends Readable {
  readonly #socket: Socket;
  /** Bytes of the client that were taken, always whole lines once it is cut. */
  #taken = 0;
  #isInLine = false;
  #state: 'open' | 'cutting' | 'over' = 'open';

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#finish());
    socket.on('close', () => this.#finish());
  }

  /** Bytes that were handed on. */
  get takenBytes(): number {
    return this.#taken;
  }

  /** Nothing more is taken but the rest of a message that has begun. */
  cut(): void {
    if (this.#state !== 'open') return;
    this.#state = 'cutting';
    if (!this.#isInLine) this.#finish();
  }

  override _read(): void {
    this.#socket.resume();
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'over') return;
    const end = this.#state === 'cutting' ? chunk.indexOf(NEWLINE) : -1;
    const part = end === -1 ? chunk : chunk.subarray(0, end + 1);
    this.#taken += part.length;
    this.#isInLine = part.at(-1) !== NEWLINE;
    const wantsMore = this.push(part);
    if (end !== -1) this.#finish();
    else if (!wantsMore) this.#socket.pause();
  }

  #finish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.push(null);
    this.#socket.resume(); // its end must still be seen
  }
}
