/** What one client of a bridge writes, as a stream that the owner can cut between two messages. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

const NEWLINE = 10;

/**
 * The whole lines that come from a socket, up to its end or until `cut`. What comes later, and the line that is not
 * whole by then, is thrown away unread: the bridge still has it and sends it to the next gateway.
 */
export class ClientInput extends Readable {
  readonly #socket: Socket;
  readonly #lineBytesMax: number;
  #takenBytes = 0;
  /** The beginning of a line. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #isOver = false;

  /** @param lineBytesMax from here on the beginning of a line is handed on: it will be refused anyway */
  constructor(socket: Socket, lineBytesMax: number) {
    super();
    this.#socket = socket;
    this.#lineBytesMax = lineBytesMax;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#atEnd());
    socket.on('close', () => this.cut());
  }

  /** Bytes that were handed on. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Takes nothing more. */
  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#rest = [];
    this.push(null);
    this.#socket.resume(); // its end must still be seen
  }

  override _read(): void {
    this.#socket.resume();
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return;
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    let isWilling = true;
    if (end > 0) isWilling = this.#handOn(chunk.subarray(0, end));
    if (end === chunk.length) return this.#pauseUnless(isWilling);
    this.#rest.push(end === 0 ? chunk : chunk.subarray(end));
    this.#restBytes += chunk.length - end;
    if (this.#restBytes > this.#lineBytesMax) isWilling = this.#handOn(undefined) && isWilling;
    this.#pauseUnless(isWilling);
  }

  /** The last line of a client may lack its newline. */
  #atEnd(): void {
    if (!this.#isOver) this.#handOn(undefined);
    this.cut();
  }

  #handOn(lines: Buffer | undefined): boolean {
    const pieces = lines === undefined ? this.#rest : [...this.#rest, lines];
    this.#rest = [];
    this.#restBytes = 0;
    let isWilling = true;
    for (const piece of pieces) {
      this.#takenBytes += piece.length;
      isWilling = this.push(piece);
    }
    return isWilling;
  }

  #pauseUnless(isWilling: boolean): void {
    if (!isWilling) this.#socket.pause();
  }
}
