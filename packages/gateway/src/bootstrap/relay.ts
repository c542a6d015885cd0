/**
 * HTTP connections that this process accepts and another gateway of the same configuration serves, so that all of their
 * clients share one set of children. When that gateway ends, the next one serves; it may be this process.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { ResponseEnd } from '../server/local-socket/response-end.ts';

const CONNECTIONS_MAX = 8_192;
/** How long an accepted connection waits for a gateway while none is there. */
const GATEWAY_MS_MAX = 25_000;
const DRAIN_LOOK_MS = 20;

export interface RelayOptions {
  /**
   * Gives the connection to the gateway of the moment. Answers the one to another process; rejects where there is no
   * gateway within the time.
   */
  readonly carry: (client: Socket, withinMs: number) => Promise<Carried | undefined>;
}

/** A connection that another process serves. */
export interface Carried {
  readonly isIdle: boolean;
}

export class Relay {
  readonly #server: Server;
  /** What is known of each connection; undefined while none serves it, or this process does. */
  readonly #sockets = new Map<Socket, Carried | undefined>();

  constructor({ carry }: RelayOptions) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('connection', (client) => {
      this.#sockets.set(client, undefined);
      client.on('close', () => this.#sockets.delete(client));
      client.on('error', () => undefined); // 'close' follows
      carry(client, GATEWAY_MS_MAX).then(
        (carried) => {
          if (this.#sockets.has(client)) this.#sockets.set(client, carried);
        },
        () => client.destroy(),
      );
    });
  }

  /** Answers the port. Rejects with the system's error. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => undefined); // one connection that could not be accepted
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Accepts nothing more, waits for the exchanges that go on at most `graceMs`, then ends every connection. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const untilMs = performance.now() + graceMs;
    const look = setInterval(() => {
      const isLate = performance.now() >= untilMs;
      for (const [socket, carried] of this.#sockets)
        if (isLate || carried?.isIdle === true) socket.destroy();
    }, DRAIN_LOOK_MS);
    await closed;
    clearInterval(look);
  }
}

/** Carries bytes both ways until both sides have ended; each end and each failure is passed on. */
export function join(client: Socket, gateway: Socket): Carried {
  const exchange = new ResponseEnd();
  gateway.on('error', () => undefined); // 'close' follows
  client.on('close', () => gateway.destroy());
  gateway.on('close', () => client.destroy());
  client.on('data', () => exchange.asked());
  gateway.on('data', (bytes: Buffer) => exchange.answered(bytes));
  if (client.destroyed) gateway.destroy();
  client.pipe(gateway);
  gateway.pipe(client);
  return exchange;
}
