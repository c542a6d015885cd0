/**
 * HTTP connections that this process accepts and another gateway of the same configuration serves, so that all of their
 * clients share one set of children. When that gateway ends, the next one serves; it may be this process.
 */
import { createServer, type Server, type Socket } from 'node:net';

const CONNECTIONS_MAX = 8_192;
/** How long an accepted connection waits for a gateway while none is there. */
const GATEWAY_MS_MAX = 25_000;

export interface RelayOptions {
  /** Gives the connection to the gateway of the moment. Rejects where there is none within the time. */
  readonly carry: (client: Socket, withinMs: number) => Promise<void>;
}

export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor({ carry }: RelayOptions) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('connection', (client) => {
      this.#sockets.add(client);
      client.on('close', () => this.#sockets.delete(client));
      client.on('error', () => undefined); // 'close' follows
      carry(client, GATEWAY_MS_MAX).catch(() => client.destroy());
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

  /** Accepts nothing more, waits for what is open at most `graceMs`, then ends it. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const limit = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(limit);
  }
}

/** Carries bytes both ways until both sides have ended; each end and each failure is passed on. */
export function join(client: Socket, gateway: Socket): void {
  gateway.on('error', () => undefined); // 'close' follows
  client.on('close', () => gateway.destroy());
  gateway.on('close', () => client.destroy());
  if (client.destroyed) {
    gateway.destroy();
    return;
  }
  client.pipe(gateway);
  gateway.pipe(client);
}
