/** What one client of a bridge is written, followed by our farewell. */
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';

type Done = (error?: Error | null) => void;

/** Writes to a socket and ends it with the farewell. Destroyed before its end, it takes the socket with it. */
export class ClientOutput extends Writable {
  readonly #socket: Socket;
  readonly #farewell: () => string;

  constructor(socket: Socket, farewell: () => string) {
    super({ decodeStrings: false });
    this.#socket = socket;
    this.#farewell = farewell;
    socket.on('close', () => this.destroy());
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: Done): void {
    if (typeof chunk === 'string') this.#socket.write(chunk, encoding, done);
    else this.#socket.write(chunk, done);
  }

  override _writev(
    chunks: readonly { readonly chunk: string | Buffer; readonly encoding: BufferEncoding }[],
    done: Done,
  ): void {
    this.#socket.cork();
    for (const [index, { chunk, encoding }] of chunks.entries()) {
      this._write(chunk, encoding, index === chunks.length - 1 ? done : ignored);
    }
    this.#socket.uncork();
  }

  override _final(done: Done): void {
    this.#socket.end(this.#farewell(), () => done());
    // What the bridge still sends is not for us; unread, it would break the connection before the farewell is read.
    this.#socket.resume();
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.writableFinished) this.#socket.destroy();
    done(error);
  }
}

/** The last chunk's error is the error of all. */
const ignored = (): void => undefined;
