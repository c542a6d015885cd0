/** Sends bytes to the HTTP side of a gateway over a real socket, and reads what comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { quiet } from './quiet.ts';
import { expect } from './target.ts';

const INITIALIZE = (revision: string): string =>
  `{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"${revision}","capabilities":{"elicitation":{},"roots":{}},"clientInfo":{"name":"fuzz","version":"1"}}}`;
const GOOD = '{"jsonrpc":"2.0","id":"good","method":"ping"}';

export class HttpSender {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** All that the server said until it fell silent. */
  async exchange(chunks: readonly Buffer[]): Promise<Buffer> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const heard = listen(socket);
    await once(socket, 'connect');
    for (const [index, chunk] of chunks.entries()) {
      if (socket.destroyed) break;
      socket.write(chunk);
      if (index % 8 === 7) await quiet(heard.events, 1);
    }
    await quiet(heard.events);
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
    return Buffer.concat(heard.chunks);
  }

  /** Opens a session. Answers its id. */
  async session(revision: string): Promise<string> {
    const said = await this.exchange([post(INITIALIZE(revision), [])]);
    const id = /\r\nmcp-session-id: (\S+)/i.exec(said.toString('latin1'))?.[1];
    expect(id !== undefined, 'a session can be opened', said.toString('latin1'));
    return id;
  }

  /** Ends a session: what still waits for its client would wait for minutes. */
  async end(session: string): Promise<void> {
    const head = ['DELETE /mcp HTTP/1.1', 'host: localhost', `mcp-session-id: ${session}`];
    await this.exchange([Buffer.from(`${head.join('\r\n')}\r\n\r\n`)]);
  }

  /** @throws Broken where a request as it should be is not answered as it should be */
  async checkGood(session: string): Promise<void> {
    const said = await this.exchange([post(GOOD, [`mcp-session-id: ${session}`])]);
    const text = said.toString('latin1');
    const isAnswered = text.startsWith('HTTP/1.1 200 ') && text.includes('"id":"good","result":{}');
    expect(isAnswered, 'a good request is answered', text);
  }
}

/** @param headers beside those that every request has */
export function post(body: string | Buffer, headers: readonly string[], path = '/mcp'): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    `content-length: ${bytes.length}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]);
}

function listen(socket: Socket): { readonly chunks: Buffer[]; readonly events: () => number } {
  const chunks: Buffer[] = [];
  let events = 0;
  for (const name of ['connect', 'end', 'close', 'drain']) socket.on(name, () => (events += 1));
  socket.on('error', () => (events += 1)); // 'close' follows
  socket.on('data', (chunk) => {
    events += 1;
    chunks.push(chunk);
  });
  return { chunks, events: () => events };
}
