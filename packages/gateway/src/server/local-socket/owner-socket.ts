/**
 * The owner's side of the local socket. Other gateways of the same configuration connect, say in one line what they
 * want, and get it where their configuration is ours: a stdio client served, an HTTP connection taken over, or a
 * connection that only tells by its end that the owner is gone. A question is answered whatever their configuration.
 *
 * States: listening -> stopping (refuses with `stopping`; clients are cut off and get their answers) -> closed.
 * Invariants:
 * 1. Before its greeting a connection costs at most what GREETING says.
 * 2. A client that is cut off is told how much of it was read, after its last answer.
 * 3. The socket file goes before the state folder is let go of: it is never the next owner's.
 */
import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { firstLine } from '../../application/framing/first-line.ts';
import { settlesWithin } from '../../application/settles-within.ts';
import {
  farewellLine,
  GREETING_BYTES_MAX,
  LINK_VERSION,
  needsSameConfiguration,
  readHello,
  refusalLine,
  STOPPING_LINE,
  WANTS,
  welcomeLine,
  type Hello,
  type OwnerFacts,
  type Refusal,
  type Want,
} from '../../domain/local-socket/greeting.ts';
import { ClientInput } from './client-input.ts';
import { ClientOutput } from './client-output.ts';
import { QueryConnections, type AnswerQuery } from './query-connection.ts';

/** Of the first line. */
const GREETING = { bytesMax: GREETING_BYTES_MAX, msMax: 5_000 };
const CONNECTIONS_MAX = 8_192;
/** How long what was read already may take to be taken. */
const TAKEN_MS_MAX = 1_000;
/** How long bridges have to hang up after our farewell. */
const FAREWELL_MS_MAX = 500;

export interface OwnerServices {
  readonly digest: string;
  /** Whether another digest is one of ours, too: what is served may have changed. */
  readonly isOurs?: ((digest: string) => Promise<boolean>) | undefined;
  readonly facts: OwnerFacts;
  /** Serves one client. `closed` settles when nothing more is read; what is left is answered, then `output` ended. */
  serveStream(input: Readable, output: Writable): { readonly closed: Promise<unknown> };
  acceptHttp(socket: Socket): void;
  readonly answerQuery: AnswerQuery;
}

interface BridgedClient {
  readonly socket: Socket;
  readonly input: ClientInput;
  readonly output: ClientOutput;
  readonly closed: Promise<unknown>;
}

export class OwnerSocket {
  readonly #services: OwnerServices;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<BridgedClient>();
  readonly #queries: QueryConnections;
  #isStopping = false;

  constructor(services: OwnerServices) {
    this.#services = services;
    this.#queries = new QueryConnections(services.answerQuery);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#greet(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Rejects with the system's error. */
  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ path }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.on('error', () => undefined); // one connection that could not be accepted
    // The folder around it is private already; this is for whoever moves it.
    if (process.platform !== 'win32') await chmod(path, 0o600);
  }

  /**
   * Refuses everybody new, and takes nothing more from the clients. Resolves when what was taken is being answered:
   * whoever serves the streams may then end them, and bridges look for the next owner.
   */
  async cut(): Promise<void> {
    this.#isStopping = true;
    const clients = [...this.#clients];
    for (const { input, output } of clients) {
      if (output.writable) output.write(`${STOPPING_LINE}\n`);
      input.cut();
    }
    await settlesWithin(Promise.all(clients.map(({ closed }) => closed)), TAKEN_MS_MAX);
  }

  /** Ends every connection and removes the socket. */
  async close(): Promise<void> {
    this.#isStopping = true;
    const gone = [...this.#clients].map(
      ({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    await settlesWithin(Promise.all(gone), FAREWELL_MS_MAX);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #greet(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined); // 'close' follows
    const first = await firstLine(socket, GREETING);
    if (first.kind === 'line') await this.#answer(socket, first.text);
    else socket.destroy();
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    const hello = readHello(line);
    const want = WANTS.find((known) => known === hello?.want);
    if (hello === undefined) return void socket.destroy();
    const { digest, isOurs } = this.#services;
    const isSame = hello.digest === digest || !needsSameConfiguration(hello.want);
    const isServed = isSame || (await isOurs?.(hello.digest)) === true;
    const refusal = this.#refusalOf(hello, want, isServed);
    if (refusal !== undefined || want === undefined) {
      socket.end(refusalLine(refusal ?? 'unknown-want'));
      socket.resume();
      return;
    }
    socket.write(welcomeLine(this.#services.facts));
    this.#serve(socket, want);
  }

  #refusalOf(hello: Hello, want: Want | undefined, isServed: boolean): Refusal | undefined {
    if (hello.version !== LINK_VERSION) return 'other-version';
    if (!isServed) return 'other-configuration';
    if (this.#isStopping) return 'stopping';
    return want === undefined ? 'unknown-want' : undefined;
  }

  #serve(socket: Socket, want: Want): void {
    switch (want) {
      case 'mcp':
        return this.#serveClient(socket);
      case 'http':
        return this.#services.acceptHttp(socket);
      case 'watch':
        socket.on('end', () => socket.end());
        socket.resume();
        return undefined;
      case 'query':
        return this.#queries.serve(socket);
    }
  }

  #serveClient(socket: Socket): void {
    const { bodyBytesMax } = this.#services.facts;
    const input = new ClientInput(socket, bodyBytesMax);
    const output = new ClientOutput(socket, () => farewellLine(input.takenBytes));
    const { closed } = this.#services.serveStream(input, output);
    const client: BridgedClient = { socket, input, output, closed };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
  }
}
